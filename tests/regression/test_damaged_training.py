"""No program of ours crashes on damaged files of sweeps that train."""

import pytest

from damaging import crash_nothing


@pytest.mark.parametrize("name", ["learning", "gpt2"])
def test_no_program_of_ours_crashes_on_a_damaged_file(files, name, tmp_path):
    crash_nothing(files, name, tmp_path)
