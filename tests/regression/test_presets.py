"""Every preset runs as it is meant to, made small, and the analysis draws and tabulates what it leaves."""

import pathlib
import sys

import h5py
import pytest

from cotscale_analysis.__main__ import main as analyse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from presets import PRESETS, command, tiny  # noqa: E402


def test_there_are_presets():
    assert len(PRESETS) >= 10 and {command(preset) for preset in PRESETS} == {"run", "select"}


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.stem)
def test_a_preset_runs_and_is_drawn(program, preset):
    if command(preset) == "run":
        program("plan", preset)  # as it is
        program("plan", preset, *tiny(preset))
        program("run", preset, "--output", program.out, *tiny(preset), ranks=2)
        assert (program.status() == 1).all()
        program("verify", program.out)
    else:
        program("select", preset, "--output", program.out, *tiny(preset))
        with h5py.File(program.out) as f:
            assert len(f["task"]) >= 4
    assert analyse(["table", str(program.out)]) == 0
    assert analyse(["figure", str(program.out), "--output", str(program.directory / "figures")]) == 0
    assert list((program.directory / "figures").glob("*.png"))
