"""Presets that choose tasks, or train on tasks so chosen, run, made small, and are drawn (preset_runs.py)."""

import pytest

from preset_runs import CHOICES, runs_and_is_drawn


@pytest.mark.parametrize("preset", CHOICES, ids=lambda preset: preset.stem)
def test_a_preset_runs_and_is_drawn(program, preset):
    runs_and_is_drawn(program, preset)
