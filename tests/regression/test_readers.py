"""The file as programs see it that know nothing of cotscale."""

import hashlib
import subprocess
import tomllib
import warnings

import h5py
import netCDF4  # noqa: F401  (before warnings become errors: importing it warns of numpy's version)
import numpy
import pytest
import xarray

CELL = ("model", "mixture", "hardness", "n", "repeat")


@pytest.fixture
def results(program):
    program.run()
    return program.out


def open_with(engine, path, **group):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return xarray.open_dataset(path, engine=engine, **group).load()


def test_both_engines_read_the_same_and_drop_nothing(results):
    netcdf4, h5netcdf = open_with("netcdf4", results), open_with("h5netcdf", results)
    assert netcdf4.identical(h5netcdf)
    with h5py.File(results) as f:
        assert set(netcdf4.variables) | {"provenance", "integrity", "failures", "matrices"} == set(f)
        assert set(netcdf4.attrs) == set(f.attrs) == {"Conventions", "schema_version", "title"}
        for group in ("provenance", "integrity", "failures", "matrices"):
            of_group = [open_with(engine, results, group=group) for engine in ("netcdf4", "h5netcdf")]
            assert of_group[0].identical(of_group[1])
            assert set(of_group[0].attrs) == set(f[group].attrs) and set(of_group[0].variables) == set(f[group])
    assert open_with("netcdf4", results, group="provenance").attrs["seed"] == 0


def test_a_file_with_everything_is_read_by_both_engines(program):
    from conftest import LEARNING_SPEC

    program.spec.write_text(LEARNING_SPEC)
    program.run()
    netcdf4, h5netcdf = open_with("netcdf4", program.out), open_with("h5netcdf", program.out)
    assert netcdf4.identical(h5netcdf)
    weights = [open_with(engine, program.out, group="weights") for engine in ("netcdf4", "h5netcdf")]
    assert weights[0].identical(weights[1])
    assert {"baseline_error", "task_probability", "training_off_slice"} <= set(netcdf4.variables) and {"v", "w"} <= set(weights[0].variables)
    assert netcdf4.baseline_error.dims == (*CELL, "baseline", "m", "k") and weights[0].v.dims == (*CELL, "row", "column")
    v = weights[0].v.assign_coords(model=netcdf4.model)
    assert v.sel(model="learned").notnull().all() and v.sel(model="exact_optimum").isnull().all()
    shares = netcdf4.task_probability
    numpy.testing.assert_allclose(shares.sel(mixture=["exact", "uniform"]).sum("task"), 1, rtol=1e-12)
    assert (shares.sel(mixture="uniform") == 1 / 8).all() and shares.sel(mixture="matched").isnull().all()
    learned = netcdf4.sel(model="learned")
    assert (learned.best_k == learned.error_mean.argmin("k")).all()
    assert learned.theory_error.sel(k=1).isnull().all(), "of what was learned there is no exact expectation"


def test_a_transformer_stands_beside_linear_attention(program):
    from conftest import GPT2_SPEC

    program.spec.write_text(GPT2_SPEC)
    program.run()
    data = open_with("netcdf4", program.out).squeeze()
    assert (data.status == 1).all() and open_with("netcdf4", program.out, group="provenance").attrs["sampler"] == "explicit"
    gpt2, lsa = data.sel(model="gpt2"), data.sel(model="lsa")
    assert (gpt2.training_steps == 5).all() and (gpt2.training_seconds > 0).all() and (gpt2.tokens_per_second > 0).all()
    assert lsa.training_seconds.isnull().all() and lsa.newton_slope.isnull().all()
    # It has positions for the n examples of its training: more are not computed.
    assert gpt2.error_mean.sel(n=4, m=8).isnull().all() and (gpt2.best_k.sel(n=4, m=8) == -1).all()
    tested = gpt2.sel(n=8)
    assert tested.error_mean.notnull().all()
    numpy.testing.assert_allclose(tested.error_mean.sel(k=0), lsa.error_mean.sel(n=8, k=0), rtol=1e-14, err_msg="the same prompts")
    assert tested.newton_slope.sel(k=slice(0, 2)).notnull().all() and tested.newton_slope.sel(k=3).isnull().all()
    r2 = tested.newton_r2.sel(k=slice(0, 2))
    assert ((r2 >= 0) & (r2 <= 1)).all()


def test_dimensions_and_coordinates_are_as_documented(results):
    data = open_with("netcdf4", results)
    assert data.error_mean.dims == (*CELL, "m", "k")
    assert data.theory_limit.dims == (*CELL, "k")
    assert data.status.dims == CELL
    assert list(data.model.values) == ["descent", "closed"]
    assert data.sel(mixture="skewed", hardness=12, n=10, m=20, k=1, repeat=0, model="closed").error_mean.shape == ()
    assert data.start_time.dtype.kind == "M"
    assert all("long_name" in data[name].attrs for name in data.variables)


def test_the_specification_is_inside_and_valid(program, results):
    data = open_with("netcdf4", results)
    text = str(data.config_toml.values)
    assert hashlib.sha256(text.encode()).hexdigest() == open_with("netcdf4", results, group="provenance").attrs["config_sha256"]
    assert tomllib.loads(text)["test"]["prompts"] == 100
    program.spec.write_text(text)
    assert "24 done before" not in program.run() and (program.status() == 1).all()


def test_h5dump_reads_every_dataset(results):
    header = subprocess.run(["h5dump", "-p", "-H", results], capture_output=True, text=True, check=True).stdout
    assert header.count("DATASET \"error_mean\"") == 1
    assert "CHUNKED" not in header and "H5D_ALLOC_TIME_EARLY" in header
    subprocess.run(["h5dump", results], stdout=subprocess.DEVNULL, check=True)


def test_theory_stands_beside_the_measurement(results):
    data = open_with("netcdf4", results)
    assert (data.theory_error.sel(k=0) == 5).all()
    assert data.theory_error.sel(k=1).notnull().all() and data.theory_error.sel(k=slice(2, None)).isnull().all()
    z = (data.error_mean - data.theory_error) / data.error_stderr
    numpy.testing.assert_array_equal(z.values, data.z_score.values)
    assert data.theory_bound.sel(mixture="matched").notnull().all() and data.theory_bound.sel(mixture="mine").isnull().all()
    assert (data.theory_limit <= data.theory_bound * (1 + 1e-12)).sel(mixture="matched").all()


def test_a_diverged_value_is_infinite_counted_and_kept(program):
    # A step that is far too large: descent diverges, and so does every prompt.
    program.run("--set", "models.descent.step_size=100.0", "--set", "test.k=200", code=1)
    data = open_with("netcdf4", program.out).sel(model="descent", mixture="matched")
    assert (data.converged == 0).all() and (data.status == 1).all()
    assert (data.error_mean.sel(k=200) == numpy.inf).all() and (data.error_stderr.sel(k=200) == numpy.inf).all()
    assert (data.diverged_share.sel(k=200) > 0.9).all() and (data.diverged_share.sel(k=0) == 0).all()
    assert data.error_mean.notnull().all()
