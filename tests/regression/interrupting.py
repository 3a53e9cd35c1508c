"""Sweeps that are long enough to be interrupted."""

# 48 cells, several seconds in all: long enough to be interrupted.
SLOW = ("--set", "test.prompts=8000", "--set", "test.m=[100, 400]", "--set", "test.sampler=explicit", "--set", "test.baselines=false")

# As long as any test cares to look, with the first cell done after a second.
ENDLESS = (*SLOW, "--set", "test.prompts=20000")


def done_cells(program):
    try:
        return int((program.status() == 1).sum())
    except OSError:  # not created yet
        return 0
