"""Training in stages, [[models.NAME.stages]]: what the file, tables and figures hold after each of them, and that their
keys may vary. (Where their weights go: test_stage_weights.py; what a list of stages may be: test_stage_lists.py.)"""

import subprocess
import sys

import h5py
import numpy
import pytest
import xarray

from sweeping import DIRECT, STAGED, payload, run, with_stages


@pytest.fixture(scope="module")
def staged(tmp_path_factory):
    text = with_stages({"staged": STAGED, "once": DIRECT, "exact": {}})
    return run(tmp_path_factory.mktemp("stages") / "run", text, ranks=2)


def test_the_file_has_an_axis_of_stages(staged):
    results = xarray.open_dataset(staged.out).load()
    cell = ("model", "mixture", "hardness", "n", "repeat")
    assert results["stage"].values.tolist() == [0, 1, 2]
    for name, own in {"error_mean": ("m", "k"), "exact_z": ("m", "k"), "theory_limit": ("k",), "best_k": ("m",), "converged": (),
                      "training_loss": ("training_step",), "spectral_radius": (), "predicted_error": ("m", "k")}.items():
        assert results[name].dims == (*cell, "stage", *own), name
    assert results["baseline_error"].dims == (*cell, "baseline", "m", "k") and results["status"].dims == cell
    assert (results["status"] == 1).all()
    assert results["training_steps"].sel(model="staged", repeat=0).values.ravel().tolist() == [20, 30, 5]
    for model in ("once", "exact"):
        later = results.sel(model=model, stage=[1, 2])
        assert later["error_mean"].isnull().all() and (later["training_steps"] == -1).all() and (later["best_k"] == -1).all()
    errors = results["error_mean"].sel(model="staged").squeeze()
    assert len(set(errors.isel(repeat=0, k=0).values)) == 1, "the same test prompts"
    assert len(set(errors.isel(repeat=0, k=3).values)) == 3
    assert "6 of 6 done cells" in staged("verify", staged.out)


def test_theory_is_that_of_the_stage_s_mixture(staged, tmp_path):
    results = xarray.open_dataset(staged.out).load()
    alone = run(tmp_path / "alone", with_stages({"once": DIRECT}, sweep={"mixtures": ["skewed", "matched", "mine"]}))
    others = xarray.open_dataset(alone.out).load()
    for stage, mixture in enumerate(("skewed", "matched", "mine")):
        for name in ("theory_limit", "predicted_error", "spectral_radius"):
            mine = results[name].sel(model="staged", stage=stage).values
            numpy.testing.assert_array_equal(mine.squeeze(), others[name].sel(model="once", mixture=mixture).values.squeeze(), err_msg=name)
    text = staged("theory", staged.spec)
    assert all(f"\n{mixture} " in text for mixture in ("matched", "skewed", "mine")), "of mixtures that only stages have, too"


# Of mixtures that only stages have, wherever the model that trains on them stands, and for some of its values only.
@pytest.mark.parametrize("order", [["once", "staged"], ["staged", "once"]])
def test_theory_has_every_mixture_once_for_each_of_its_own_values(staged, tmp_path, order):
    axes = {"mixtures.mine.exponent": [0.5, 1.5], "models.staged.stages[1].mixture": ["skewed", "mine"], "models.once.steps": [5, 6]}
    models = {"once": DIRECT, "staged": {"stages": [{}, DIRECT]}}
    path = tmp_path / "spec.toml"
    path.write_text(with_stages({name: models[name] for name in order}, **{"sweep.axes": {f'"{key}"': values for key, values in axes.items()}}))
    rows = [line.split(",") for line in staged.stdout("theory", path, "--csv").splitlines()]
    mixtures = [row[0] for row in rows if len(row) > 5 and row[5] == "0"]
    assert sorted(mixtures) == ["matched; exponent 0.5", "mine; exponent 0.5", "mine; exponent 1.5", "skewed; exponent 0.5"]


def test_it_resumes_and_ranks_make_no_difference(staged, tmp_path):
    before = staged.out.read_bytes()
    assert "6 of 6 cells done (6 before this run)" in staged.run(ranks=1)
    assert staged.out.read_bytes() == before
    again = run(tmp_path / "again", staged.spec.read_text(), "--max-time", "0s", ranks=1, code=75)
    again.run(ranks=1)
    for name, data in payload(staged.out).items():
        assert data.tobytes() == payload(again.out)[name].tobytes(), name


def test_a_key_of_a_stage_may_vary(tmp_path):
    model = {"stages": [DIRECT, {**DIRECT, "steps": 7}]}
    axes = ('[sweep.axes]\n"models.model.stages[1].steps" = [3, 7]\n"models.model.stages[0].batch" = [8, 16]\n'
            '"mixtures.mine.exponent" = [0.5, 1]\n')
    model["stages"][1]["mixture"] = "mine"
    varied = run(tmp_path / "varied", with_stages({"model": model}, sweep={"repeats": 1}) + axes)
    with h5py.File(varied.out) as f:
        assert f["training_steps"].shape == (1, 1, 1, 1, 2, 2, 2, 1, 2), "exponent, batch, steps, and stage"
        assert (f["status"][()] == 1).all(), "cells of another mixture depend on it, by a stage"
        assert f["training_steps"][0, 0, 0, 0, 0, 0, :, 0].tolist() == [[20, 3], [20, 7]]
    alone = run(tmp_path / "alone", with_stages({"model": model}, sweep={"repeats": 1}),
                "--set", "models.model.stages[1].steps=3", "--set", "mixtures.mine.exponent=1")
    for name, data in payload(alone.out).items():
        assert data.tobytes() == payload(varied.out)[name][:, :, :, :, 1, 1, 0].tobytes(), name


def test_tables_and_figures_have_stages(staged, tmp_path):
    analysis = [sys.executable, "-m", "cotscale_analysis"]
    table = subprocess.run([*analysis, "table", staged.out], capture_output=True, text=True, check=True).stdout
    assert sum(line.startswith("staged ") for line in table.splitlines()) == 3
    assert sum(line.startswith("once ") for line in table.splitlines()) == 1
    subprocess.run([*analysis, "figure", staged.out, "--figure", "stages", "--output", tmp_path], capture_output=True, check=True)
    assert (tmp_path / "out.png").stat().st_size > 10_000


def test_plan_and_a_changed_specification_name_stages(staged):
    assert "in up to 3 stages each" in staged("plan", staged.spec)
    text = staged.run("--set", "models.staged.stages[1].steps=31", code=65)
    assert "models.staged.stages[1].steps: in the file 30, now 31" in text
