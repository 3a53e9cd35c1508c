"""Presets that train a transformer run, made small, and are drawn (preset_runs.py)."""

import pytest

from preset_runs import TRANSFORMERS, runs_and_is_drawn


@pytest.mark.parametrize("preset", TRANSFORMERS, ids=lambda preset: preset.stem)
def test_a_preset_runs_and_is_drawn(program, preset):
    runs_and_is_drawn(program, preset)
