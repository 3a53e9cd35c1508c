"""What the end of a run says of measured errors and trained maps, on right sweeps."""

import re

import netCDF4
import numpy
import pytest

from specifications import specification

# Of 400 such cells with two prompts each, four measured standard errors flagged 202.
GRID = specification(
    models={"lsa": {}, "learned": {"training": "samples", "steps": 3, "batch": 2}},
    test={"m": [2, 20], "prompts": 50, "baselines": False},
    sweep={"mixtures": ["matched", "isotropic"], "hardness": [4.0, 16.0], "n": [5, 500], "repeats": 15})
SCORES = ("exact_z", "simulated_z", "paired_difference", "paired_stderr", "paired_distance")


def flags(text, kind):
    found = re.search(rf"theory, {kind}: (\d+) of (\d+) decisions flagged; chance gives \S+, in 99 of 100 right sweeps at most (\d+)", text)
    return [int(x) for x in found.groups()]


@pytest.mark.parametrize("prompts", [2, 50])
def test_a_right_sweep_is_called_right(program, prompts):
    program.spec.write_text(GRID)
    text = program.run("--set", f"test.prompts={prompts}")
    flagged, decisions, limit = flags(text, "first step by sets of test prompts")
    assert decisions == 2 * 15 * 2 and flagged <= limit < 5
    flagged, decisions, limit = flags(text, "all steps over all repeats")
    assert decisions == 2 * 2 and flagged <= limit < 3
    assert "theory: measured errors agree with theory\n" in text
    assert "theory: 0 of 120 trained maps differ" in text, "those that are learned from samples are not judged"


def test_scores_are_normal_and_stand_where_they_are_known(program):
    program.spec.write_text(GRID)
    program.run("--set", "test.m=20")
    with netCDF4.Dataset(program.out) as file:
        file.set_auto_mask(False)
        exact, simulated, difference, stderr, distance = (file[name][:][:, ..., 0, :] for name in SCORES)
    population, learned = 0, 1
    assert numpy.isfinite(exact[..., 0]).all() and numpy.isnan(exact[..., 2:]).all()
    assert numpy.isnan(exact[learned, ..., 1]).all() and numpy.isnan(simulated[learned]).all()
    assert numpy.isfinite(simulated[population][..., [1, 2]]).all() and numpy.isnan(simulated[..., [0, 3]]).all()
    for scores in (exact[population, ..., 0], simulated[population, ..., 1], simulated[population, ..., 2]):
        assert abs(scores.mean()) < 0.6 and 0.5 < scores.std() < 1.5
    assert (distance[population, ..., 1:] < 1e-8).all() and (distance[learned, ..., 1:] > 1e-3).all()
    assert (difference[learned, ..., 1:] > 3 * stderr[learned, ..., 1:]).any()


def test_one_prompt_and_no_steps_are_no_evidence(program):
    program.spec.write_text(GRID)
    text = program.run("--set", "test.prompts=1", "--set", "test.k=0")
    assert flags(text, "first step by sets of test prompts")[1] == 2 * 15 * 2
    assert "all steps" not in text and "trained maps" not in text and "DISAGREE" not in text
