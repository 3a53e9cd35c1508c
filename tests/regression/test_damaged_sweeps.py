"""No program of ours crashes on damaged files of closed-form sweeps and of selections."""

import pytest

from damaging import crash_nothing


@pytest.mark.parametrize("name", ["lsa", "selection"])
def test_no_program_of_ours_crashes_on_a_damaged_file(files, name, tmp_path):
    crash_nothing(files, name, tmp_path)
