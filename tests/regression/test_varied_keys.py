"""Axes of keys on which more depends than a number: dimensions and seeds, names that the file has already, noise, and
features of mixtures; and axes of as many values as there may be. (Axes in general: test_axes.py; defaults that follow
each value: test_varied_defaults.py.)"""

import h5py
import numpy
import pytest

from specifications import specification


def test_dimension_and_seed_may_vary(program):
    program.spec.write_text(specification(test={"k": 1, "prompts": 30}) + "[sweep.axes]\ntask.d = [2, 4]\nsweep.seed = [1, 2]\n")
    assert "4 of 4 cells done" in program.run()
    with h5py.File(program.out) as f:
        zero = f["error_mean"][0, 0, 0, 0, :, :, 0, 0, 0]  # seed, d
        assert (abs(zero[:, 0] - 2) < 1.5).all() and (abs(zero[:, 1] - 4) < 2).all() and len(set(zero.ravel())) == 4
    program("theory", program.spec)


# A variable of the results has the name step_size already; every number of test prompts is judged by its own.
def test_names_that_the_file_has_get_their_table_s(program):
    program.spec.write_text(specification(test={"k": 1}, sweep={"repeats": 3}) +
                            '[sweep.axes]\n"models.lsa.step_size" = [0.01, 0.02]\n"test.prompts" = [50, 2000]\n')
    text = program.run()
    assert "12 of 12 cells done" in text and "DISAGREE" not in text
    with h5py.File(program.out) as f:
        assert list(f["lsa_step_size"][()]) == [0.01, 0.02] and list(f["prompts"][()]) == [50, 2000]
        stderr = f["error_stderr"][0, 0, 0, 0, 0, :, :, 0, 0]  # prompts, repeat
        assert (stderr[0] > 3 * stderr[1]).all(), "the square root of 40"


# Noise adds a baseline, which a noise-free cell has too, and test prompts that are decisions of their own.
def test_noise_may_vary(program):
    program.spec.write_text(specification(test={"prompts": 2000}, sweep={"repeats": 2}) + '[sweep.axes]\n"task.noise" = [0, 0.5]\n')
    text = program.run()
    assert "4 of 4 cells done" in text and "DISAGREE" not in text
    with h5py.File(program.out) as f:
        names = [x.decode() for x in f["baseline"][()]]
        error = f["baseline_error"][0, 0, 0, 0, :, 0, :, 0, -1]  # noise, baseline
        assert names[-1] == "ridge_noise" and numpy.isfinite(error).all()
        assert error[0, -1] == error[0, names.index("least_squares")], "without noise it is least squares"
        assert error[1, -1] < error[1, names.index("least_squares")], "with noise, the Bayes estimate is better"


@pytest.mark.parametrize("order", [1, -1])
def test_features_of_mixtures_follow_each_value(program, order):
    text = specification(target={"features": "student_t", "degrees": 9.0}, test={"k": 1, "prompts": 50},
                         mixtures={"mm": {"spectrum": "power_law", "exponent": 1.0}}, theory={"draws": 0},
                         models={"a": {"training": "samples", "steps": 5}}, sweep={"mixtures": ["matched", "mm"]})
    program.spec.write_text(f'{text}[sweep.axes]\n"target.features" = {["student_t", "gaussian"][::order]}\n')
    program("plan", program.spec)
    assert "4 of 4 cells done" in program.run()


def test_as_many_combinations_as_there_may_be_are_read_at_once(program):
    """Whatever is done for every value of an axis at every cell takes minutes here."""
    axes = '[sweep.axes]\n"models.lsa.c" = { from = 1.0, to = 2.0, count = 10000 }\n'
    program.spec.write_text(specification(sweep={"n": 10, "repeats": 1, "hardness": 4}) + axes)
    assert "10000 c" in program("plan", program.spec, timeout=60)
