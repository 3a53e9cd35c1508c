"""Results do not depend on the units of covariances, nor on how hard or how precise they are."""

import h5py
import numpy
import pytest

from conftest import RECORD
from specifications import specification


def units(target, mixture):
    return specification(
        models={"descent": {}, "closed": {"training": "closed_form"},
                "definition": {"training": "closed_form", "roll_out": "definition"}},
        mixtures={"mine": {"spectrum": "list", "eigenvalues": mixture}, "two": {"probabilities": [1, 2, 0]}},
        sweep={"mixtures": ["matched", "mine", "two", "relevant", "selected"]},
        target={"spectrum": "list", "eigenvalues": target, "rotation": "independent"}, tasks={"file": "tasks.h5"},
        test={"k": 4, "m": [2, 20], "prompts": 40})


HAVE_UNITS = {"step_size": -2, "step_size_paper": -1}
OF_NOISE = {"paired_difference", "paired_stderr", "paired_distance", "gradient_norm", "preconditioner_error", "z_score"}  # differences of nearly equal numbers


def write(program, scale, factor=1.0):
    candidates = numpy.random.default_rng(1).normal(size=(3, 4, 6))
    with h5py.File(program.directory / "tasks.h5", "w") as f:
        f["covariance"] = candidates @ candidates.transpose(0, 2, 1) / 6 * scale
    program.spec.write_text(units(target=[x * scale for x in (4.0, 1.5, 1.0, 0.125)],
                                  mixture=[x * scale * factor for x in (1.0, 2.0, 0.25, 1.0)]))


def measure(program, scale):
    write(program, scale)
    program.run("--overwrite", ranks=1)
    with h5py.File(program.out) as f:
        assert (f["status"][()] == 1).all()
        numbers = {name: data[()] for name, data in f.items() if isinstance(data, h5py.Dataset) and data.dtype == "f8" and data.ndim >= 5}
        numbers["hardness"] = f["hardness"][()]
        numbers["best_k"] = f["best_k"][()]
    return numbers


def test_nothing_depends_on_units(program):
    plain = measure(program, 1.0)
    for scale in 2.0**-532, 2.0**532, 1e-160, 1e160, 1e-8, 1e8:
        power_of_two = numpy.frexp(scale)[0] == 0.5
        for name, values in measure(program, scale).items():
            expected = plain[name]
            if name in RECORD or (not power_of_two and name in OF_NOISE):
                continue
            if name in HAVE_UNITS and abs(numpy.log10(scale)) > 100:
                continue  # beyond doubles, or denormal
            if name in HAVE_UNITS:
                expected = expected * scale ** HAVE_UNITS[name]
            if name == "baseline_parameter":
                expected = expected * scale ** numpy.array([0, 1, -1, 0])[:, None]
            if not power_of_two and name.startswith("baseline"):  # with m < d penalties of ridge are equal up to rounding
                values, expected = (numpy.delete(x, 1, axis=5) for x in (values, expected))
            if power_of_two:
                numpy.testing.assert_array_equal(values, expected, err_msg=f"{name} at {scale}")
            else:
                absolute = 0 if name in HAVE_UNITS or name == "baseline_parameter" else 1e-12
                numpy.testing.assert_allclose(values, expected, rtol=1e-11, atol=absolute, err_msg=f"{name} at {scale}")


def test_what_doubles_do_not_hold_is_refused_with_its_key(program):
    for old, new, said in [
        ("eigenvalues = [4.0, 1.5, 1.0, 0.125]", "eigenvalues = [1e308, 1e308, 1e308, 1e308]", ["target.eigenvalues", "1.8e308"]),
        ("eigenvalues = [4.0, 1.5, 1.0, 0.125]", "eigenvalues = [1e200, 1.0, 1.0, 1e-200]", ["target.eigenvalues", "differ by a factor"]),
        ('spectrum = "list"\neigenvalues = [4.0, 1.5, 1.0, 0.125]', 'spectrum = "power_law"\nexponent = 900.0', ["target.exponent", "j = 4"]),
        ("eigenvalues = [1.0, 2.0, 0.25, 1.0]", "eigenvalues = [1e308, 1e308, 1e308, 1e308]", ["mixtures.mine.eigenvalues"]),
        ("eigenvalues = [4.0, 1.5, 1.0, 0.125]", "eigenvalues = [4e150, 1.5e150, 1e150, 1e149]", ["tasks", "too far apart"]),
    ]:
        write(program, 1.0)
        text = program.spec.read_text()
        assert old in text
        program.spec.write_text(text.replace(old, new))
        message = program("plan", program.spec, code=2)
        for part in said:
            assert part in message, message


def test_learning_from_samples_is_refused_where_it_is_certain_to_overflow(program):
    write(program, 1e160)
    learned = '[models.descent]\narchitecture = "lsa"\ntraining = "samples"\nsteps = 5\nbatch = 8\n'
    text = program.spec.read_text()
    program.spec.write_text(text.replace('[models.descent]\narchitecture = "lsa"\n', learned))
    assert "models.descent" in program("plan", program.spec, code=2)
    transformer = '[models.descent]\narchitecture = "gpt2"\nsize = "tiny"\nobjective = "rollout"\nk_train = 4\nsteps = 2\n'
    program.spec.write_text(text.replace('[models.descent]\narchitecture = "lsa"\n', transformer))
    assert "single precision" in program("plan", program.spec, code=2)


# A mixture so far below its target that the chain leaves doubles at once, and one so far above that it stands still.
@pytest.mark.parametrize("factor, error", [(1e-300, numpy.inf), (1e300, 4.0)])
def test_a_mixture_may_be_of_any_size_beside_its_target(program, factor, error):
    write(program, 1.0, factor)
    program.spec.write_text(program.spec.read_text().replace('["matched", "mine", "two", "relevant", "selected"]', '["mine"]'))
    program.run(ranks=1)
    with h5py.File(program.out) as f:
        means = f["error_mean"][:2, 0, 0, 0, 0]
        expected = f["error_mean"][0, 0, 0, 0, 0, 0, 0]
        assert (means[..., 1:] == numpy.inf).all() if error == numpy.inf else numpy.allclose(means[..., 1:], means[..., :1])
        assert abs(expected - 4) < 2


LEAST_SQUARES = specification(
    models={"lsa": {"training": "closed_form"}}, task={"d": 8}, test={"k": 1, "m": [8, 100], "prompts": 20000},
    sweep={"seed": 1, "hardness": [1e8, 1e10, 1e14], "n": [20]})


def test_baselines_without_noise_are_exact_at_any_hardness(program):
    program.spec.write_text(LEAST_SQUARES)
    program.run(ranks=1)
    with h5py.File(program.out) as f:
        errors, edges = f["baseline_error"][0, 0, :, 0, 0], f["baseline_at_edge"][0, 0, :, 0, 0]
        assert (errors[:, 0] < 1e-13).all()  # least squares
        assert (errors[:, 1, 1] < 1e-10).all()  # ridge at m = 100
        assert (errors[:, 1, 0] < 1e-2).all()  # at m = 8 some prompts are nearly singular
        assert (edges[:, 1] == 1).all() and (edges[:, [0, 3]] == -1).all()
        assert (f["preconditioner_error"][()] < 1e-12).all()


def covariance_spec(program, matrix):
    with h5py.File(program.directory / "target.h5", "w") as f:
        f["covariance"] = matrix
    text = program.spec.read_text().replace('rotation = "independent"', 'spectrum = "file"\nfile = "target.h5"', 1)
    program.spec.write_text(text.replace("hardness = [6.0, 12.0]\n", ""))


def test_a_covariance_of_single_precision_is_mended_with_a_warning(program):
    basis, _ = numpy.linalg.qr(numpy.random.default_rng(2).normal(size=(5, 5)))
    matrix = basis @ numpy.diag([2, 1, 0.5, 0.2, -1.4e-8]) @ basis.T
    matrix = (matrix + matrix.T) / 2
    matrix[0, 1] += 2.5e-10
    covariance_spec(program, matrix)
    text = program.run(ranks=2)
    assert text.count("single precision") == 1 and "target.h5" in text and "-1.4e-08" in text
    with h5py.File(program.out) as f:
        assert f["hardness"][0] == numpy.inf


@pytest.mark.parametrize("change", ["asymmetry", "eigenvalue"])
def test_a_covariance_that_is_none_is_refused(program, change):
    matrix = numpy.diag([2, 1, 0.5, 0.2, -1e-3 if change == "eigenvalue" else 0.1])
    matrix[0, 1] += 1e-2 if change == "asymmetry" else 0
    covariance_spec(program, matrix)
    text = program("plan", program.spec, code=2)
    assert "target.file" in text and ("symmetric" if change == "asymmetry" else "-0.001") in text
