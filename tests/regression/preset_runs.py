"""What the tests of presets have in common: each runs as it is meant to, made small, and is drawn and tabulated."""

import pathlib
import sys

import h5py

from cotscale_analysis.__main__ import main as analyse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from presets import PRESETS, command, tiny  # noqa: E402

# Every preset is in one of these lists, so that no file of tests takes long.
TRANSFORMERS = [preset for preset in PRESETS if '"gpt2"' in preset.read_text()]
TRADE_OFFS = [preset for preset in PRESETS if preset.stem.startswith(("fig1", "fig2")) and preset not in TRANSFORMERS]
CHOICES = [preset for preset in PRESETS if preset.stem.startswith("fig3")]
OTHERS = [preset for preset in PRESETS if preset not in TRANSFORMERS + TRADE_OFFS + CHOICES]


def runs_and_is_drawn(program, preset):
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
