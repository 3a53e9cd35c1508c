"""Presets of the paper's figures 1 and 2 with linear self-attention run, made small, and are drawn (preset_runs.py)."""

import pytest

from preset_runs import TRADE_OFFS, runs_and_is_drawn


@pytest.mark.parametrize("preset", TRADE_OFFS, ids=lambda preset: preset.stem)
def test_a_preset_runs_and_is_drawn(program, preset):
    runs_and_is_drawn(program, preset)
