"""The program's words about training are true: converged, diverged, and exit codes."""

import pathlib

import h5py
import numpy
import pytest

from conftest import GPT2_SPEC
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
    assert "2 done before" in program.run(ranks=0, code=1), "it is still so"
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
