"""What can be known before a run is refused before it, by every command alike; files that a user names are identified, and refused when they
changed."""

import os
import shutil
import time

import h5py
import numpy
import pytest

from conftest import wait_until
from specifications import specification

CANDIDATES = {"exponents": [0.5], "directions": [2], "each": 2}
SINGULAR = {"spectrum": "list", "eigenvalues": [2, 1, 1, 0]}


def of_all_commands(program, code, commands=("plan", "theory", "run", "select")):
    """What each of them prints, by name."""
    arguments = {"run": ("--output", program.out), "select": ("--output", "selection.h5"), "plan": (), "theory": ()}
    return {name: program(name, program.spec, *arguments[name], code=code) for name in commands}


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
    models = {"first": {"architecture": "softmax", "steps": 2, "keep_weights": True},
              "second": {"training": "samples", "steps": 2, "initialisation": "stored", "initial_file": "first.h5", "initial_model": "first"}}
    program.spec.write_text(specification(models={"first": models["first"]}))
    program("run", program.spec, "--output", "first.h5")
    program.spec.write_text(specification(models={"second": models["second"]}))
    for name, text in of_all_commands(program, 2, ("plan", "theory", "run")).items():
        assert 'models.second.initial_model names "first", whose architecture in first.h5 is "softmax", not "lsa"' in text, name


def test_weights_are_looked_for_with_every_value_of_a_varied_key(program):
    kept = {"first": {"training": "closed_form", "keep_weights": True}}
    program.spec.write_text(specification(models=kept))
    program("run", program.spec, "--output", "whole.h5")
    program("run", program.spec, "--output", "begun.h5", "--max-time", "0s", code=75)
    second = {"training": "samples", "steps": 2, "initialisation": "stored", "initial_file": "whole.h5", "initial_model": "first"}
    varied = {"sweep.axes": {'"models.second.initial_file"': ["whole.h5", "begun.h5"]}}
    program.spec.write_text(specification(models={"second": second}, **varied))
    for name, text in of_all_commands(program, 2, ("plan", "theory", "run")).items():
        assert "models.second.initial_file: " in text and "begun.h5 lacks the weights of first for 1 of 1 cells" in text, name


def write_covariance(path, scale):
    with h5py.File(path, "w") as f:
        f["covariance"] = numpy.diag([4.0, 2, 1, 1]) * scale


# Files of covariances, by the table that names them.
NAMED = {"target": {"target": {"file": "one.h5"}}, "mixtures.mine": {"mixtures": {"mine": {"file": "one.h5"}}}}


@pytest.mark.parametrize("table", NAMED)
def test_a_file_of_a_covariance_that_is_replaced_before_or_between_runs_is_refused(program, table):
    one = program.directory / "one.h5"
    write_covariance(one, 1)
    program.spec.write_text(specification(**NAMED[table]))
    program("plan", program.spec)
    program.run("--max-time", "0s", code=75)
    with h5py.File(program.out) as f:
        resolved = f["config_toml"][()].decode()
    write_covariance(one, 2)
    assert f"{table}.sha256: in the file" in program.run(code=65)
    program.spec.write_text(resolved)
    for name, text in of_all_commands(program, 2, ("plan", "theory", "run")).items():
        assert f"{table}.sha256 is" in text and "the file has changed" in text, name


SLOW = {"first": {"training": "samples", "steps": 6000, "batch": 512}, "second": {"training": "closed_form"}}


def test_a_file_of_a_covariance_that_is_replaced_during_a_run_is_not_read_again(program):
    one = program.directory / "one.h5"
    write_covariance(one, 1)
    program.spec.write_text(specification(models=SLOW, target={"file": "one.h5"}))
    program.run()
    undisturbed = program.payload()
    program.out.unlink()
    run = program.start()
    wait_until(program.out.exists)
    write_covariance(one, 2)
    assert run.poll() is None, "the run was over before the file was replaced"
    text, _ = run.communicate(timeout=120)
    assert run.returncode == 0, text
    assert program.payload() == undisturbed


@pytest.fixture
def weights(program):
    """first.h5 with weights; a specification whose slow cell goes first, and whose other begins with these weights."""
    stored = {"training": "samples", "steps": 2, "initialisation": "stored", "initial_file": "first.h5", "initial_model": "first"}
    program.spec.write_text(specification(models={"first": {"training": "closed_form", "keep_weights": True}}))
    program("run", program.spec, "--output", "first.h5")
    program.spec.write_text(specification(models={"slow": SLOW["first"], "second": stored}))
    return program.directory / "first.h5"


def disturbed(program, disturb):
    """What a run on one rank does while its slow cell is computed, and its exit code."""
    run = program.start(ranks=1)
    wait_until(program.out.exists)
    disturb()
    assert run.poll() is None, "the run was over before anything was done"
    text, _ = run.communicate(timeout=120)
    return text, run.returncode


def test_weights_that_are_written_over_during_a_run_fail_their_cells(program, weights):
    whole = weights.read_bytes()

    def write_over():
        with h5py.File(weights, "r") as f:
            offset = f["weights/v"].id.get_offset()
        with open(weights, "r+b") as f:
            f.seek(offset + 8)
            f.write(numpy.float64(7).tobytes())

    text, code = disturbed(program, write_over)
    assert code == 1 and "cell failed (model second" in text and "has changed since the run began" in text
    assert list(program.status()) == [1, 2]
    weights.write_bytes(whole)
    assert "1 done before" in program.run(ranks=1)


def test_weights_whose_file_is_replaced_during_a_run_are_those_that_were_identified(program, weights):
    program.run(ranks=1)
    undisturbed = program.payload()
    program.out.unlink()
    other = program.directory / "other.h5"
    shutil.copy(weights, other)
    with h5py.File(other, "r+") as f:
        f["weights/v"][...] += 1
    text, code = disturbed(program, lambda: os.replace(other, weights))
    assert code == 0, text
    assert program.payload() == undisturbed


def test_weights_that_are_only_touched_are_what_they_were(program, weights):
    text, code = disturbed(program, lambda: os.utime(weights, (time.time() + 9, time.time() + 9)))
    assert code == 0, text


def test_a_file_without_a_name_is_refused(program):
    stored = {"training": "samples", "initialisation": "stored", "initial_file": "", "initial_model": "first"}
    program.spec.write_text(specification(models={"second": stored}))
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
    stored = {"training": "samples", "steps": 2, "initialisation": "stored", "initial_file": "first.h5", "initial_model": "first"}
    program.spec.write_text(specification(models={"second": stored}))
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
