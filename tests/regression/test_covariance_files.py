"""Files that hold a mixture's covariance: what is no covariance is refused, what changed is refused, and the path is
the specification's, from whatever directory the program starts."""

import subprocess

import h5py
import numpy
import pytest

from refusing import set_key


@pytest.mark.parametrize("write, words", [
    (lambda f: f.create_dataset("covariance", data=numpy.diag([1.0, 1, 1, 1, -1])), "not positive semi-definite"),
    (lambda f: f.create_dataset("covariance", data=numpy.triu(numpy.ones((5, 5)))), "not symmetric"),
    (lambda f: f.create_dataset("covariance", data=numpy.full((5, 5), numpy.nan)), "not finite"),
    (lambda f: f.create_dataset("covariance", data=numpy.eye(4)), "must have shape (5, 5)"),
    (lambda f: f.create_dataset("other", data=numpy.eye(5)), "no dataset `covariance`"),
])
def test_a_covariance_file_that_is_no_covariance(program, write, words):
    with h5py.File(program.directory / "covariance.h5", "w") as f:
        write(f)
    set_key(program, 'spectrum = "list"\neigenvalues = [3, 1, 1, 0.5, 0]', 'file = "covariance.h5"')
    text = program.run(code=2)
    assert words in text and "covariance.h5" in text and "mixtures.mine.file" in text


def test_a_covariance_file_is_used_from_any_directory(program):
    with h5py.File(program.directory / "covariance.h5", "w") as f:
        f["covariance"] = numpy.diag([3, 1, 1, 0.5, 0])
    program.run()
    from_list = program.payload()["theory_error"]
    set_key(program, 'spectrum = "list"\neigenvalues = [3, 1, 1, 0.5, 0]', 'file = "covariance.h5"')
    elsewhere = program.directory / "elsewhere"
    elsewhere.mkdir()
    program.run("--overwrite")
    values, expected = (numpy.frombuffer(data) for data in (program.payload()["theory_error"], from_list))
    # Independent rotations are drawn for the mixture's name, so both are the same covariance up to the eigenvectors' order.
    assert values.shape == expected.shape and numpy.isfinite(values).sum() == numpy.isfinite(expected).sum()
    subprocess.run(program.command("run", "../spec.toml", "--output", "../out.h5"), cwd=elsewhere, check=True,
                   env=program.environment(), capture_output=True)


def test_a_covariance_file_that_changes_is_refused(program):
    with h5py.File(program.directory / "covariance.h5", "w") as f:
        f["covariance"] = numpy.eye(5)
    set_key(program, 'spectrum = "list"\neigenvalues = [3, 1, 1, 0.5, 0]', 'file = "covariance.h5"')
    program.run()
    with h5py.File(program.directory / "covariance.h5", "r+") as f:
        f["covariance"][0, 0] = 2
    assert "mixtures.mine.sha256: in the file" in program.run(code=65)
