"""`cotscale select`: the file as other programs see it, and bad input."""

import warnings

import h5py
import netCDF4  # noqa: F401  (before warnings become errors)
import numpy
import pytest
import xarray

from selecting import random_covariance, select, write


def test_the_file_opens_in_xarray_with_both_engines(program):
    rng = numpy.random.default_rng(3)
    target, tasks = random_covariance(rng, 3, 3), numpy.array([random_covariance(rng, 3, r) for r in (1, 2, 3)])
    write(program, target, tasks, m=50, k=2, names=["one", "two", "three"])
    text = select(program)
    assert "largest relative KKT residual" in text and "three" in text
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        netcdf4, h5netcdf = (xarray.open_dataset(program.out, engine=e).load() for e in ("netcdf4", "h5netcdf"))
    assert netcdf4.identical(h5netcdf)
    assert netcdf4.probability.dims == ("solution", "task") and netcdf4.objective.dims == ("solution", "problem")
    assert list(netcdf4.solution.values) == ["quadratic", "exact"] and list(netcdf4.task.values) == ["one", "two", "three"]
    assert netcdf4.kkt_residual.shape == ()
    eigenvalues = numpy.linalg.eigvalsh(tasks[2])
    assert float(netcdf4.hardness[2]) == pytest.approx(eigenvalues.sum() / eigenvalues[0])
    assert float(netcdf4.hardness[0]) == numpy.inf
    assert float(netcdf4.support_hardness[0]) == pytest.approx(1)


def test_generated_candidates_have_a_draw_axis(program):
    program.spec.write_text("[task]\nd = 6\n[target]\nspectrum = 'power_law'\nexponent = 0.5\n[tasks]\nexponents = [0.2, 0.8]\n"
                            "directions = [3, 6]\neach = 2\n[select]\nn = 10\nm = 20\nk = 2\ndraws = 3\n")
    select(program)
    with h5py.File(program.out) as f:
        p = f["probability"][()]
        assert p.shape == (3, 2, 8) and f["task"][0] == b"0.2-3-0"
    assert not (p[0] == p[1]).all(), "each draw has tasks of its own"
    numpy.testing.assert_allclose(p.sum(-1), 1, rtol=1e-12)
    before = program.out.read_bytes()
    assert "exists already" in select(program, code=65) and program.out.read_bytes() == before
    select(program, "--overwrite")


@pytest.mark.parametrize("change, words", [
    (lambda p: p.spec.write_text(p.spec.read_text().replace("n = 20\n", "")), ["select.n is missing"]),
    (lambda p: p.spec.write_text(p.spec.read_text().replace("k = 1", "k = 1\nsample = 4")), ["unknown key select.sample", "did you mean select.samples?"]),
    (lambda p: p.spec.write_text(p.spec.read_text().replace("[tasks]\nfile", "[tasks]\nfil")), ["unknown key tasks.fil"]),
    (lambda p: (p.directory / "candidates.h5").unlink(), ["tasks.file names a file that cannot be read", "candidates.h5"]),
])
def test_a_selection_that_is_not_well_specified(program, change, words):
    write(program, numpy.eye(3), numpy.array([numpy.eye(3)]))
    change(program)
    text = select(program, code=2)
    assert all(word in text for word in words), text
    assert not program.out.exists()


@pytest.mark.parametrize("target, tasks, words", [
    (numpy.diag([1.0, 1.0, 0.0]), [numpy.eye(3)], ["singular"]),
    (numpy.eye(3), [numpy.diag([1.0, -1.0, 1.0])], ["task 0", "not positive semi-definite"]),
    (numpy.eye(3), [numpy.eye(2)], ["has shape (1, 2, 2), not (tasks, 3, 3)"]),
])
def test_covariances_that_cannot_be_used(program, target, tasks, words):
    write(program, target, numpy.array(tasks))
    text = select(program, code=2)
    assert all(word in text for word in words), text


def test_other_files_are_not_replaced(program):
    write(program, numpy.eye(3), numpy.array([numpy.eye(3)]))
    program.out.write_text("precious")
    assert "not a selection of cotscale" in select(program, "--overwrite", code=65)
    assert program.out.read_text() == "precious"
    assert "does not exist" in program("select", program.spec, "--output", "nowhere/x.h5", code=74)
    assert "start it without mpirun" in program("select", program.spec, "--output", "x.h5", ranks=2, code=2)
