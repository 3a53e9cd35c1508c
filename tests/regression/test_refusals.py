"""What can be known before a run is refused before it, by every command alike."""

import os

import h5py
import numpy
import pytest

from refusing import begins_with, of_all_commands
from specifications import specification

CANDIDATES = {"exponents": [0.5], "directions": [2], "each": 2}
SINGULAR = {"spectrum": "list", "eigenvalues": [2, 1, 1, 0]}


@pytest.mark.parametrize("mixture", ["selected", "exact"])
def test_a_singular_target_is_refused_where_its_inverse_is_needed(program, mixture):
    program.spec.write_text(specification(target=SINGULAR, tasks=CANDIDATES, select={"n": 5}, sweep={"mixtures": ["matched", mixture]}))
    for name, text in of_all_commands(program, 2).items():
        who = "the choice among tasks" if name == "select" else f"mixture {mixture}"
        assert f"target: {who} needs its inverse, and the target is singular" in text, name
    assert not program.out.exists() and not (program.directory / "selection.h5").exists()


def test_a_singular_target_does_for_mixtures_that_need_no_inverse(program):
    program.spec.write_text(specification(target=SINGULAR, tasks=CANDIDATES, sweep={"mixtures": ["matched", "relevant"]}))
    of_all_commands(program, 0, ("plan", "theory", "run"))


THIN = {"thin": {"spectrum": "list", "eigenvalues": [1, 1, 0, 0]}}


@pytest.mark.parametrize("tables, words", [
    ({"mixtures": THIN}, "mixture thin ([mixtures.thin]): its prompts have no examples along 2 of the 4 directions"),
    ({"mixtures": THIN, "target": {**SINGULAR, "rotation": "independent"}}, "no examples along 2 of the 3 directions"),
    ({"tasks": {"file": "tasks.h5"}, "sweep": {"mixtures": ["uniform"]}}, "mixture uniform: its prompts have no examples along 1 of the 4"),
    ({"tasks": {"file": "tasks.h5"}, "sweep": {"mixtures": ["selected"]}}, "mixture selected: its prompts have no examples along 1 of the 4"),
    ({"tasks": {"file": "tasks.h5"}, "mixtures": {"mine": {"probabilities": [1, 0]}}}, "along 3 of the 4 directions"),
    ({"tasks": {"file": "tasks.h5"}, "sweep": {"mixtures": ["uniform"]}, "target": {"spectrum": "list", "eigenvalues": [1, 2, 3, 0]}}, None),
    ({"mixtures": THIN, "target": {"spectrum": "list", "eigenvalues": [3, 2, 0, 0]}}, None),
    ({"sweep": {"mixtures": ["matched"]}, "target": {**SINGULAR, "rotation": "independent"}}, None),
], ids=["task", "rotated", "candidates", "unknown", "given", "covered", "covered-task", "matched"])
def test_a_mixture_that_leaves_a_direction_of_the_target_untouched_is_warned_of(program, tables, words):
    with h5py.File(program.directory / "tasks.h5", "w") as f:
        f["covariance"] = [numpy.diag([1.0, 0, 0, 0]), numpy.diag([0, 1e-9, 1.0, 0])]
    program.spec.write_text(specification(**tables))
    for name, text in of_all_commands(program, 0, ("plan", "theory", "run")).items():
        assert ("directions of the target, so that nothing is learned of them" in text) == (words is not None), (name, text)
        assert words is None or words in text


def test_weights_of_another_architecture_are_refused(program):
    program.spec.write_text(specification(models={"first": {"architecture": "softmax", "steps": 2, "keep_weights": True}}))
    program("run", program.spec, "--output", "first.h5")
    program.spec.write_text(specification(models={"second": begins_with("first.h5")}))
    for name, text in of_all_commands(program, 2, ("plan", "theory", "run")).items():
        assert 'models.second.initial_model names "first", whose architecture in first.h5 is "softmax", not "lsa"' in text, name


def test_weights_are_looked_for_with_every_value_of_a_varied_key(program):
    kept = {"first": {"training": "closed_form", "keep_weights": True}}
    program.spec.write_text(specification(models=kept))
    program("run", program.spec, "--output", "whole.h5")
    program("run", program.spec, "--output", "begun.h5", "--max-time", "0s", code=75)
    varied = {"sweep.axes": {'"models.second.initial_file"': ["whole.h5", "begun.h5"]}}
    program.spec.write_text(specification(models={"second": begins_with("whole.h5")}, **varied))
    for name, text in of_all_commands(program, 2, ("plan", "theory", "run")).items():
        assert "models.second.initial_file: " in text and "begun.h5 lacks the weights of first for 1 of 1 cells" in text, name


def test_a_file_without_a_name_is_refused(program):
    program.spec.write_text(specification(models={"second": begins_with("")}))
    for name, text in of_all_commands(program, 2, ("plan", "theory", "run")).items():
        assert "models.second.initial_file names no file" in text, name
    with h5py.File(program.directory / "x.h5", "w") as f:
        f["x"] = numpy.ones((5, 4))
    program.spec.write_text(specification(target={"features": "rows", "rows_file": "x.h5", "dataset": ""}, sweep={"hardness": None}))
    for name, text in of_all_commands(program, 2, ("plan", "theory", "run")).items():
        assert "`dataset` names no dataset" in text, name


def test_results_do_not_replace_what_they_are_made_of(program):
    program.spec.write_text(specification(models={"first": {"training": "closed_form", "keep_weights": True}}))
    program("run", program.spec, "--output", "first.h5")
    os.link(program.directory / "first.h5", program.directory / "link.h5")
    before = (program.directory / "first.h5").read_bytes()
    program.spec.write_text(specification(models={"second": begins_with("first.h5")}))
    for output in ("first.h5", "link.h5"):
        text = program("run", program.spec, "--output", output, "--overwrite", code=2)
        assert f'{output}: is the file "first.h5" that the specification names' in text
    assert (program.directory / "first.h5").read_bytes() == before


@pytest.mark.parametrize("tables, words", [
    ({"task": {"noise": 0.1}, "sweep": {"mixtures": ["exact"]}, "select": {"n": 5}},
     'names "exact", but the exact problem of selection is for labels without noise, and task.noise is 0.1; remove it'),
    ({"target": SINGULAR, "sweep": {"mixtures": ["selected"]}}, "and the target is singular (eigenvalues from 0 to 2): restrict"),
], ids=["noise", "singular"])
def test_a_reason_is_said_once(program, tables, words):
    program.spec.write_text(specification(tasks=CANDIDATES, **tables))
    assert words in program("plan", program.spec, code=2)
