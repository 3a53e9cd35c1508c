"""Files of several runs as one: xarray's own ways of joining them, with its defaults."""

import pathlib
import warnings

import netCDF4  # noqa: F401  (before warnings become errors: importing it warns of numpy's version)
import numpy
import pytest
import xarray

from conftest import GPT2_SPEC, Program


@pytest.fixture(scope="module")
def two_files(tmp_path_factory):
    """Two runs that differ in seed, command, ranks, date and n."""
    program = Program(pathlib.Path(tmp_path_factory.mktemp("two")))
    paths = [program.directory / name for name in ("a.h5", "b.h5")]
    program("run", program.spec, "--output", paths[0], "--set", "sweep.n=3", ranks=1)
    program("run", program.spec, "--output", paths[1], "--set", "sweep.n=10", "--set", "sweep.seed=5", ranks=2)
    return paths


@pytest.fixture(params=["netcdf4", "h5netcdf"])
def engine(request):
    return request.param


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def require_joined(joined, paths, engine):
    assert joined.sizes["n"] == 2 and list(joined.n.values) == [3, 10]
    for path in paths:
        own = xarray.open_dataset(path, engine=engine).load()
        for name in ("error_mean", "status", "start_time"):
            numpy.testing.assert_array_equal(joined[name].sel(n=own.n.values).values, own[name].values)
    assert joined.attrs["title"] == "cotscale: regression"
    assert (joined.status == 1).all()


def test_combine_by_coords(two_files, engine):
    joined = xarray.combine_by_coords([xarray.open_dataset(path, engine=engine).load() for path in two_files])
    require_joined(joined, two_files, engine)


def test_open_mfdataset(two_files, engine):
    pytest.importorskip("dask", reason="Debian: apt-get install --no-install-recommends python3-dask")
    with xarray.open_mfdataset(two_files, engine=engine) as joined:
        require_joined(joined.load(), two_files, engine)


def test_where_they_come_from_differs_and_is_in_a_group(two_files, engine):
    seeds = [xarray.open_dataset(path, group="provenance", engine=engine).attrs["seed"] for path in two_files]
    assert seeds == [0, 5]


def test_a_file_with_pending_cells_opens_without_a_warning(program, engine):
    program.run("--max-time", "0s", code=75)
    data = xarray.open_dataset(program.out, engine=engine).load()
    assert (data.status == 0).all() and data.start_time.dtype.kind == "M"
    assert (data.start_time.values == numpy.datetime64(0, "s")).all() and data.error_mean.isnull().all()


def test_a_table_of_everything_does_not_explode(program, engine):
    program.spec.write_text(GPT2_SPEC)
    program.run()
    with xarray.open_dataset(program.out, engine=engine) as data:
        # The axes of results and of training, none of weights.
        assert set(data.sizes) == {"model", "mixture", "hardness", "n", "repeat", "m", "k", "training_step", "baseline"}
        assert len(data.to_dataframe()) == numpy.prod(list(data.sizes.values())) < 10_000
    with xarray.open_dataset(program.out, group="weights", engine=engine) as weights:
        cell = ("model", "mixture", "hardness", "n", "repeat")
        assert list(weights.parameter.values)[0] == "read_in.weight"
        assert weights["h.0.attn.c_attn.weight"].dims == (*cell, "embedding", "query_key_value")
        assert weights["h.1.attn.c_proj.weight"].dims == (*cell, "attended", "embedding")
        assert weights["h.1.mlp.c_proj.weight"].dims == (*cell, "hidden", "embedding")
        assert weights["wpe.weight"].dims == (*cell, "position", "embedding")
        # d = 3, width 16, 2·8 + 3 positions: equal lengths of other meaning have other names.
        lengths = {"token_entry": 4, "embedding": 16, "attended": 16, "query_key_value": 48, "hidden": 64, "position": 19, "component": 3}
        assert {name: weights.sizes[name] for name in lengths} == lengths
