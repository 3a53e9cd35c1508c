import hashlib
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

import schema
from cotscale_analysis import ResultsError, open_results, over_repeats
from cotscale_analysis.results import DONE, count_cells, dimension_d, sweep_name

TESTS = Path(__file__).parent


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns


@pytest.mark.parametrize("engine", ["h5netcdf", "netcdf4"])
def test_opens_every_name_and_number(tmp_path, engine):
    path = schema.write(tmp_path / "a.h5", "cotscale: some", mixtures=("skewed", "matched", "größer"), repeats=2)
    before = digest(path)
    results = open_results(path, engine=engine)
    assert digest(path) == before
    assert results["mixture"].values.tolist() == ["skewed", "matched", "größer"]
    assert results["error_mean"].dims == schema.RESULT
    assert results["config_toml"].item().startswith("[sweep]")
    with h5py.File(path) as file:
        for name in schema.RESULTS + schema.THEORY + schema.LIMITS + schema.TRAINING:
            np.testing.assert_array_equal(results[name], file[name][...])
    assert sweep_name(results) == "some"
    assert dimension_d(results) == schema.D


def test_both_engines_agree(presets):
    for path in (presets["wide"], presets["fig3-downstream"]):
        xr.testing.assert_identical(*(open_results(path, engine=engine) for engine in ("netcdf4", "h5netcdf")))


def test_numbers_of_cells_that_are_not_done_are_hidden(tmp_path):
    def edit(file):
        file["error_mean"][...] = 7.0
        file["status"][0, 0, 0, 0, 0] = 2
        file["status"][0, 0, 0, 1, 0] = 0

    path = schema.write(tmp_path / "a.h5", "cotscale: some", n=(5, 10, 20), edit=edit)
    error = open_results(path)["error_mean"].squeeze()
    assert np.isnan(error.sel(n=[5, 10])).all()
    assert (error.sel(n=20) == 7.0).all()


def test_a_file_without_any_cell_opens(tmp_path):
    results = open_results(schema.write(tmp_path / "a.h5", "cotscale: some", done=lambda index: False))
    assert count_cells(results, DONE) == 0
    assert dimension_d(results) is None


def test_a_cell_that_ends_while_the_file_is_read_is_hidden(tmp_path, monkeypatch):
    path = schema.write(tmp_path / "a.h5", "cotscale: some", n=(5,), done=lambda index: False)
    with h5py.File(path) as file:
        status_offset = file["status"].id.get_offset()
    load = xr.Dataset.load

    def finish_then_load(dataset):
        with open(path, "r+b") as file:
            file.seek(status_offset)
            file.write(bytes([DONE]))
        return load(dataset)

    monkeypatch.setattr(xr.Dataset, "load", finish_then_load)
    assert count_cells(open_results(path), DONE) == 0
    assert count_cells(open_results(path), DONE) == 1


WRITER = """
import h5py, itertools, sys, time
import schema
with h5py.File(sys.argv[1], "r+", locking=False) as file:
    print("open", flush=True)
    input()
    for index in itertools.product(*(range(file[name].size) for name in schema.CELL)):
        schema.fill(file, index)
        file.flush()
        time.sleep(0.02)
"""


def test_reads_while_another_process_writes(tmp_path):
    path = schema.write(tmp_path / "a.h5", "cotscale: some", n=range(10, 30), done=lambda index: False)
    environment = {"PYTHONPATH": str(TESTS), "HDF5_USE_FILE_LOCKING": "FALSE"}
    counts = []
    command, pipe = [sys.executable, "-c", WRITER, path], subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True) as writer:
        assert writer.stdout.readline() == "open\n"
        counts.append(count_cells(open_results(path), DONE))
        print(file=writer.stdin, flush=True)
        while writer.poll() is None or counts[-1] < 20:
            results = open_results(path)
            done = (results["status"] == DONE).squeeze()
            assert (results["theory_limit"].squeeze().notnull().all("k") == done).all()
            counts.append(int(done.sum()))
            assert writer.poll() in (None, 0)
    assert counts == sorted(counts) and counts[0] == 0


OTHERS = {1: "a cotscale up to commit 2f17c40", 2: "a cotscale up to commit 0e75c6a", 4: "a newer cotscale"}


@pytest.mark.parametrize("version", [1, 2, 3, 4])
@pytest.mark.parametrize("writer", ["provenance", "/", None])  # versions 1 and 2 have these attributes at the root
def test_other_schema_versions_are_refused(tmp_path, version, writer):
    def edit(file):
        file.attrs["schema_version"] = version
        if writer != "provenance":
            del file["provenance"]
        if writer is not None:
            file[writer].attrs["cotscale_version"], file[writer].attrs["git_sha"] = "0.0.9", "abcdef"

    path = schema.write(tmp_path / "a.h5", "cotscale: some", edit=edit)
    if version == 3:
        assert open_results(path).attrs["schema_version"] == 3
        return
    with pytest.raises(ResultsError, match=f"schema version {version}, but .* version 3") as refusal:
        open_results(path)
    assert refusal.value.exit_code == 65
    named = ", such as the 0.0.9 of commit abcdef that wrote it" if writer else ""
    assert str(refusal.value).endswith(f"it is read by {OTHERS[version]}{named}")


def test_what_is_not_a_results_file_is_refused(tmp_path):
    text, other, damaged = (tmp_path / name for name in ("text.h5", "other.h5", "damaged.h5"))
    text.write_text("hello")
    with h5py.File(other, "w") as file:
        file["x"] = np.arange(3)
    schema.write(damaged, "cotscale: some", edit=lambda file: file.pop("exact_z"))
    expected = {
        tmp_path / "none.h5": (74, "no such file"),
        tmp_path: (74, "no such file"),
        text: (74, "cannot be read"),
        other: (65, "not a cotscale results file"),
        damaged: (65, "needs the variables exact_z"),
    }
    for path, (exit_code, message) in expected.items():
        with pytest.raises(ResultsError, match=message) as refusal:
            open_results(path)
        assert refusal.value.exit_code == exit_code
        assert str(refusal.value).startswith(str(path))


def test_an_hdf5_file_of_somebody_else_is_refused_by_both_engines(tmp_path):
    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as file:
        file["x"] = np.arange(3)
        file["x"].make_scale("x")
    for engine in ("h5netcdf", "netcdf4"):
        with pytest.raises(ResultsError, match="no schema_version") as refusal:
            open_results(other, engine=engine)
        assert refusal.value.exit_code == 65


def test_repeats_are_averaged(tmp_path):
    path = schema.write(tmp_path / "a.h5", "cotscale: some", n=(20,), repeats=4, done=lambda index: index[4] != 2)
    results = open_results(path)
    averages = over_repeats(results).squeeze()
    measured = results["error_mean"].squeeze().values[[0, 1, 3]]
    np.testing.assert_allclose(averages["error_mean"], measured.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(averages["error_stderr"], measured.std(axis=0, ddof=1) / np.sqrt(3), rtol=1e-12)
    for name in ("z_score", "exact_z"):
        z = results[name].squeeze().values[[0, 1, 3], 1]
        np.testing.assert_allclose(averages[name][1], z.sum() / np.sqrt(3), rtol=1e-14)


def test_one_repeat_keeps_its_standard_error(results):
    once = results("fig1")
    xr.testing.assert_allclose(over_repeats(once)["error_stderr"], once["error_stderr"].isel(repeat=0, drop=True))


def test_a_mean_over_repeats_of_which_one_diverged_is_infinite(results):
    wide = results("wide")
    wide["error_mean"][{"repeat": 1, "k": 3}] = np.inf
    averages = over_repeats(wide)
    for name in ("error_mean", "error_stderr"):
        assert np.isposinf(averages[name].isel(k=3)).all()
        assert np.isfinite(averages[name].isel(k=4)).all()


def test_huge_errors_do_not_overflow_in_the_standard_error(results):
    wide = results("wide")
    wide["error_mean"] = wide["error_mean"] * 1e200
    assert np.isfinite(over_repeats(wide)["error_stderr"]).all()
