"""The program's words about training are true: converged, diverged, exit codes, and what it began with."""

import pathlib

import h5py
import numpy
import pytest

from conftest import GPT2_SPEC, wait_until
from specifications import specification

PRESETS = pathlib.Path(__file__).parents[2] / "jobs/presets"

# Its gradient is below 1e-4 of the first one long before the weakest directions have moved.
HARD = specification(
    models={"lsa": {"tolerance": 1e-4}, "closed": {"training": "closed_form"}}, task={"d": 8},
    test={"k": 300, "m": 5000, "prompts": 500}, sweep={"hardness": [1e6], "n": [200]})

# Three kinds of training on a direction of 1e-11, on tasks that do not commute, and on one that lacks a direction.
KINDS = specification(
    models={"lsa": {"keep_weights": True}, "closed": {"training": "closed_form", "keep_weights": True}},
    mixtures={"weak": {"spectrum": "list", "eigenvalues": [1, 1, 1, 1e-11], "rotation": "none"},
              "lacking": {"spectrum": "list", "eigenvalues": [2, 1, 0, 1], "rotation": "none"},
              "several": {"probabilities": [1, 2, 3, 4]}},
    sweep={"n": [20]}, target={"rotation": "independent"}, tasks={"exponents": [0.5, 1.5], "directions": [3, 4], "each": 1},
    test={"k": 1, "m": 50, "prompts": 10})

SAMPLES = specification(
    models={"wild": {"training": "samples", "learning_rate": 100, "steps": 200}, "tame": {"training": "samples", "steps": 200}},
    task={"d": 5}, test={"m": 50}, sweep={"hardness": [8.0], "n": [20]})


def values(program, *names):
    with h5py.File(program.out) as f:
        return [f[name][()] for name in names]


def maps(program):
    """A = W24 V31 of every cell, in the order of the file, (cells, d, d)."""
    v, w = values(program, "weights/v", "weights/w")
    d = v.shape[-1] // 2 - 1
    v, w = v.reshape(-1, *v.shape[-2:]), w.reshape(-1, *w.shape[-2:])
    return w[:, d, 2 * d + 1, None, None] * v[:, d + 1:2 * d + 1, :d]


# ---- converged ----

def test_a_gradient_that_is_small_from_the_start_does_not_deceive(program):
    program.spec.write_text(HARD)
    text = program.run()
    converged, steps, weakest, off = (x.ravel() for x in values(
        program, "converged", "training_steps", "weakest_direction_error", "preconditioner_error"))
    assert list(converged) == [0, 1] and "1 not converged," in text and "of them diverged" not in text
    assert steps[0] == 1_000_000 and weakest[0] > 0.99 and off[0] > 0.5
    assert weakest[1] < 1e-8

    program.run("--overwrite", "--set", "models.lsa.max_steps=100000000000")
    converged, weakest, off, error = values(program, "converged", "weakest_direction_error", "preconditioner_error", "error_mean")
    assert (converged == 1).all() and weakest.ravel()[0] <= 1e-4 and off.ravel()[0] < 1e-4
    descent, optimum = error.reshape(2, -1)
    numpy.testing.assert_allclose(descent, optimum, rtol=1e-3, err_msg="the same prompts, and the same map by both ways")


def test_the_verdict_is_that_of_the_stored_weights(program):
    program.spec.write_text(KINDS)
    program.run()
    converged, diverged, weakest, share = values(program, "converged", "training_diverged", "weakest_direction_error",
                                                 "task_probability")
    assert (diverged == 0).all()
    assert [int(x) for x in converged.ravel()] == [0, 1, 1, 1, 1, 1], "descent cannot reach 1e-11 in a million steps"
    found = maps(program).reshape(2, 3, 4, 4)
    weakest = weakest.reshape(2, 3)
    # Gamma^-1 of the tasks along the axes; 0 where training sees nothing.
    weak = numpy.diag(1 / (1.05 * numpy.array([1, 1, 1, 1e-11]) + (3 + 1e-11) / 20))
    lacking = numpy.diag([1 / (1.05 * 2 + 0.2), 1 / 1.25, 0, 1 / 1.25])
    assert weakest[0, 0] == pytest.approx(abs(1 - found[0, 0, 3, 3] / weak[3, 3]), rel=1e-6) and weakest[0, 0] > 0.99
    numpy.testing.assert_allclose(found[1, 0], weak, rtol=1e-12)
    for model in range(2):
        numpy.testing.assert_allclose(found[model, 1], lacking, rtol=1e-9, atol=1e-14)
    # Tasks that do not commute: the optimum is not symmetric, and descent has reached it along its singular directions.
    optimum = found[1, 2]
    assert numpy.abs(optimum - optimum.T).max() > 1e-3
    left, gains, right = numpy.linalg.svd(optimum)
    errors = numpy.linalg.norm((found[0, 2] - optimum) @ right.T, axis=0) / gains
    assert 0.5e-10 < errors.max() <= 1.01e-10 and weakest[0, 2] == pytest.approx(errors.max(), rel=1e-2)


def test_a_looser_tolerance_is_met_and_not_exceeded(program):
    program.spec.write_text(KINDS)
    program.run("--set", "models.lsa.tolerance=0.01", "--set", "sweep.models='lsa'", "--set", "sweep.mixtures=['lacking', 'several']")
    converged, weakest, steps = values(program, "converged", "weakest_direction_error", "training_steps")
    assert (converged == 1).all() and (weakest <= 0.01).all() and (weakest > 0.002).all()
    # Of the eigenvalues 2 and 1: with eta = 1/(2 gamma(2)) the weaker is multiplied by 1 - gamma(1)/(2 gamma(2)).
    rate = 1 - 1.25 / (2 * 2.3)
    assert steps.ravel()[0] == int(numpy.ceil(numpy.log(0.01) / numpy.log(rate)))


@pytest.mark.parametrize("preset", ["fig1", "fig2a", "fig2b"])
def test_presets_converge(program, preset):
    program.spec.write_text((PRESETS / f"{preset}.toml").read_text())
    program.run("--set", "test.prompts=2", "--set", "theory.draws=0", "--set", "test.baselines=false")
    converged, weakest = values(program, "converged", "weakest_direction_error")
    assert (converged == 1).all() and (weakest <= 1e-10).all()


# ---- diverged ----

def test_training_that_diverged_is_exit_code_1_unless_allowed(program):
    program.spec.write_text(SAMPLES)
    text = program.run(code=1)
    assert "training diverged (model wild" in text and "training diverged in 1 cells" in text
    assert "2 of 2 cells done" in text and "1 not converged, 1 of them diverged" in text
    converged, diverged, loss, status, weakest = values(
        program, "converged", "training_diverged", "final_loss", "status", "weakest_direction_error")
    assert list(converged.ravel()) == [0, 1] and list(diverged.ravel()) == [1, 0] and (status == 1).all()
    assert numpy.isfinite(loss).all() and loss.ravel()[0] > 100, "it diverged, and is finite all the same"
    assert weakest.ravel()[0] > 10 and weakest.ravel()[1] < 1
    assert "2 done before" in program.run(code=1), "it is still so"
    assert "which --allow-diverged accepts" in program.run("--allow-diverged")
    assert "of them diverged" not in program.run("--overwrite", "--set", "sweep.models='tame'")


def test_a_step_that_is_too_large_is_named_too(program):
    program.spec.write_text(HARD)
    text = program.run("--set", "models.lsa.step_size=1.0", code=1)
    assert "training diverged (model lsa" in text and "lower" in text and "step_size" in text
    converged, diverged = values(program, "converged", "training_diverged")
    assert list(converged.ravel()) == [0, 1] and list(diverged.ravel()) == [1, 0]


def test_a_transformer_that_diverged(program):
    program.spec.write_text(GPT2_SPEC.replace("steps = 5", "steps = 5\nlearning_rate = 1e30"))
    text = program.run(code=1)
    assert "training diverged (model gpt2, mixture matched" in text and "lower its learning_rate" in text
    assert "8 of 8 cells done" in text and "4 not converged, 4 of them diverged" in text
    assert "training diverged in 4 cells" in program.run("--allow-diverged")
    diverged, weakest = values(program, "training_diverged", "weakest_direction_error")
    assert list(diverged.reshape(2, -1).all(axis=1)) == [True, False]
    assert numpy.isnan(weakest.reshape(2, -1)[0]).all()


# ---- stored weights to begin with ----

LEARN_FROM = """
[sweep]
name = "learn"
models = ["first"]
mixtures = ["matched", "isotropic"]
hardness = [6.0]
n = [3, 10]
[task]
d = 3
[test]
k = 2
m = 5
prompts = 20
[models.first]
architecture = "lsa"
training = "closed_form"
keep_weights = true
[models.second]
architecture = "lsa"
training = "samples"
steps = 2
initialisation = "stored"
initial_file = "first.h5"
initial_model = "first"
"""
SECOND = ("--set", "sweep.models='second'")


@pytest.fixture
def parent(program):
    program.spec.write_text(LEARN_FROM)
    program("run", program.spec, "--output", "first.h5")
    return program.directory / "first.h5"


def test_weights_to_begin_with_are_those_of_a_file_that_is_recorded(program, parent):
    import hashlib

    program.run(*SECOND)
    with h5py.File(program.out) as f:
        text = f["config_toml"][()].decode()
    assert f"initial_sha256 = '{hashlib.sha256(parent.read_bytes()).hexdigest()}'" in text
    program.spec.write_text(text)
    assert "4 done before" in program.run(), "the resolved text is a specification itself"


def test_weights_that_are_replaced_between_stop_and_resume_are_refused(program, parent):
    program.run(*SECOND, "--max-time", "0s", code=75)
    program("run", program.spec, "--output", "first.h5", "--overwrite", "--set", "sweep.seed=1")
    text = program.run(*SECOND, code=65)
    assert "models.second.initial_sha256: in the file" in text
    program.spec.write_text(LEARN_FROM.replace("[models.second]", f'[models.second]\ninitial_sha256 = "{"0" * 64}"'))
    text = program.run(*SECOND, code=2)
    assert "models.second.initial_sha256 is 0000" in text and "the file has changed" in text


@pytest.mark.parametrize("spoil", [
    lambda f: f["status"].__setitem__((0, 1, 0, 0, 0), 0),
    lambda f: f["status"].__setitem__((0, 1, 0, 0, 0), 2),
    lambda f: f["weights/v"].__setitem__((0, 1, 0, 0, 0, 4, 0), 7.0),
], ids=["pending", "failed", "damaged"])
def test_weights_of_a_cell_that_is_not_done_or_damaged_are_refused(program, parent, spoil):
    with h5py.File(parent, "r+") as f:
        spoil(f)
    for text in (program("plan", program.spec, *SECOND, code=2), program("theory", program.spec, *SECOND, code=2), program.run(*SECOND, code=2)):
        assert "models.second.initial_file: " in text and "lacks the weights of first for 1 of 4 cells" in text
        assert "mixture isotropic, hardness 6, n 3" in text
    assert not program.out.exists(), "nothing was begun"


@pytest.mark.parametrize("change, words", [
    (("sweep.n=[3, 11]",), "lacks the weights of first for 2 of 4 cells"),
    (("task.d=4",), "models.second.initial_file names a file with weights of d = 3, and here task.d = 4"),
    (("models.second.initial_model='other'",), 'models.second.initial_model names "other"'),
    (("models.second.initial_file='nowhere.h5'",), "models.second.initial_file names no results file that can be read"),
    (("models.second.initial_file='spec.toml'",), "models.second.initial_file names no results file that can be read"),
])
def test_weights_that_are_not_there_are_refused(program, parent, change, words):
    settings = [word for key in change for word in ("--set", key)]
    text = program.run(*SECOND, *settings, code=2)
    assert words in text and not program.out.exists()


def test_a_file_without_weights_is_refused(program, parent):
    program("run", program.spec, "--output", "first.h5", "--overwrite", "--set", "models.first.keep_weights=false")
    assert "names a file without weights" in program.run(*SECOND, code=2)


def test_a_cell_that_fails_is_reported_and_tried_again(program, parent):
    # A long cell goes first; meanwhile the weights that the others begin with are others, then what they were.
    program.spec.write_text(LEARN_FROM + """
[models.slow]
architecture = "lsa"
training = "samples"
steps = 8000
""")
    both = ("--set", "sweep.models=['second', 'slow']", "--set", "sweep.mixtures='matched'", "--set", "sweep.n=3")
    run = program.start(*both, ranks=1)
    wait_until(program.out.exists)
    whole = parent.read_bytes()
    with h5py.File(parent) as f:
        place = f["weights/w"].id.get_offset()
    parent.write_bytes(whole[:place] + b"\x01" * 8 + whole[place + 8:])
    text, _ = run.communicate(timeout=120)
    assert run.returncode == 1, text
    assert "cell failed (model second" in text and "has changed since the run began" in text
    assert "1 of 2 cells done" in text and "1 failed" in text and "the same command tries them again" in text
    assert list(program.status()) == [2, 1]
    assert "failed   1" in program("status", program.out)
    parent.write_bytes(whole)
    assert "1 done before" in program.run(*both, ranks=1), "its contents are the same: what failed is tried again"
    assert list(program.status()) == [1, 1]
