"""Every preset runs as it is meant to, made small, and the analysis draws and tabulates what it leaves: here those that
learn from samples. (Others: test_presets_of_choices.py, test_presets_of_trade_offs.py,
test_presets_of_transformers.py.)"""

import pytest

from preset_runs import CHOICES, OTHERS, PRESETS, TRADE_OFFS, TRANSFORMERS, command, runs_and_is_drawn


def test_there_are_presets():
    assert len(PRESETS) >= 10 and {command(preset) for preset in PRESETS} == {"run", "select"}
    assert sorted(OTHERS + CHOICES + TRADE_OFFS + TRANSFORMERS) == PRESETS
    assert OTHERS and CHOICES and TRADE_OFFS and TRANSFORMERS


@pytest.mark.parametrize("preset", OTHERS, ids=lambda preset: preset.stem)
def test_a_preset_runs_and_is_drawn(program, preset):
    runs_and_is_drawn(program, preset)
