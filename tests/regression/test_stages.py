"""Training in stages, [[models.NAME.stages]]: what the file holds after each of them, and where their weights go."""

import subprocess
import sys

import h5py
import numpy
import pytest
import xarray

from conftest import Program
from specifications import specification
from test_axes import payload

DIRECT = {"training": "samples", "objective": "direct", "steps": 20, "batch": 16}
PROCESS = {"training": "samples", "objective": "process", "k_train": 3, "targets": "gd", "steps": 30, "batch": 16, "learning_rate": 0.002}
OUTCOME = {"training": "samples", "objective": "outcome", "k_train": 2, "optimizer": "sgd", "learning_rate": 1e-4, "steps": 5, "batch": 8}
STAGED = {"keep_weights": True, "stages": [{"mixture": "skewed", **DIRECT}, PROCESS, {"mixture": "mine", **OUTCOME}]}
TRANSFORMER = {"architecture": "gpt2", "size": "free", "layers": 1, "heads": 2, "width": 8}
MINE = {"mine": {"spectrum": "power_law", "exponent": 0.5}}


def spec(models, **tables):
    return specification(models, MINE, **{"sweep": {"mixtures": ["matched"], "repeats": 2, **tables.pop("sweep", {})},
                                          "test": {"m": [8], "prompts": 60}, **tables})


def run(directory, text, *arguments, **options):
    directory.mkdir()
    program = Program(directory)
    program.spec.write_text(text)
    program.run(*arguments, **options)
    return program


@pytest.fixture(scope="module")
def staged(tmp_path_factory):
    text = spec({"staged": STAGED, "once": DIRECT, "exact": {}})
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
    alone = run(tmp_path / "alone", spec({"once": DIRECT}, sweep={"mixtures": ["skewed", "matched", "mine"]}))
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
    path.write_text(spec({name: models[name] for name in order}, **{"sweep.axes": {f'"{key}"': values for key, values in axes.items()}}))
    rows = [line.split(",") for line in staged("theory", path, "--csv").splitlines()]
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


@pytest.mark.parametrize("keys", [{}, {"training": "closed_form"}, DIRECT, OUTCOME])
def test_a_list_of_one_is_no_list(tmp_path, keys):
    one = run(tmp_path / "list", spec({"model": {"keep_weights": True, "stages": [keys or {"training": "population"}]}}))
    plain = run(tmp_path / "plain", spec({"model": {"keep_weights": True, **keys}}))
    assert set(payload(one.out)) == set(payload(plain.out))
    for name, data in payload(plain.out).items():
        assert data.tobytes() == payload(one.out)[name].tobytes(), name
    numpy.testing.assert_array_equal(weights(one), weights(plain))


def weights(program):
    return xarray.open_dataset(program.out, group="weights")["v"].load().isel(model=0).values


# A second training whose rate is nothing is where the first one ended, and so is a sweep that begins with what is kept.
def test_weights_go_on_and_those_of_the_last_stage_are_kept(tmp_path):
    still = {**PROCESS, "learning_rate": 1e-300}
    first = run(tmp_path / "first", spec({"model": {"keep_weights": True, **DIRECT}}))
    both = run(tmp_path / "both", spec({"model": {"keep_weights": True, "stages": [DIRECT, still]}}))
    stored = {"initialisation": "stored", "initial_file": str(both.out), "initial_model": "model"}
    after = run(tmp_path / "after", spec({"model": {**still, "keep_weights": True, **stored}}))
    listed = run(tmp_path / "listed", spec({"model": {"keep_weights": True, **stored, "stages": [{**still, "mixture": "skewed"}, still]}}))
    errors = {one: xarray.open_dataset(one.out)["error_mean"].load().values for one in (first, both, after, listed)}
    for one in (both, after, listed):
        numpy.testing.assert_allclose(weights(one), weights(first), rtol=0, atol=1e-250, err_msg="a step moves zeros")
    for stage in (0, 1):
        for one in (both, listed):
            numpy.testing.assert_array_equal(errors[one][..., stage, :, :], errors[first])
    numpy.testing.assert_array_equal(errors[after], errors[first])


def test_a_transformer_has_one_shape_in_all_stages(tmp_path):
    direct = {"objective": "direct", "steps": 3, "batch": 8}
    rollout = {"objective": "rollout", "k_train": 3, "steps": 3, "batch": 8, "mixture": "skewed"}
    staged = run(tmp_path / "staged", spec({"gpt2": {**TRANSFORMER, "keep_weights": True, "stages": [direct, rollout]}}, test={"m": [8], "prompts": 20}))
    results = xarray.open_dataset(staged.out).load()
    assert results["error_mean"].sel(stage=[0, 1]).notnull().all(), "a stage of direct has positions for the chain of the other"
    positions = xarray.open_dataset(staged.out, group="weights")["wpe.weight"]
    assert positions.notnull().all()


# Nothing can be trained from weights that are not finite.
def test_a_list_ends_where_weights_are_not_finite(tmp_path):
    wild = {**DIRECT, "optimizer": "gd", "learning_rate": 1.7e308}
    staged = Program(tmp_path)
    staged.spec.write_text(spec({"model": {"stages": [DIRECT, wild, DIRECT]}}))
    assert "repeat 0, stage 1) after" in staged.run(code=1)
    results = xarray.open_dataset(staged.out).load().isel(model=0, mixture=0, hardness=0, n=0, repeat=0)
    assert results["training_diverged"].values.tolist() == [0, 1, -1]
    assert results["error_mean"].sel(stage=2).isnull().all() and results["error_mean"].sel(stage=0).notnull().all()
    assert "2 not converged, 2 of them diverged" in staged.run(code=1)


def test_a_key_of_a_stage_may_vary(tmp_path):
    model = {"stages": [DIRECT, {**DIRECT, "steps": 7}]}
    axes = '[sweep.axes]\n"models.model.stages[1].steps" = [3, 7]\n"models.model.stages[0].batch" = [8, 16]\n"mixtures.mine.exponent" = [0.5, 1]\n'
    model["stages"][1]["mixture"] = "mine"
    varied = run(tmp_path / "varied", spec({"model": model}, sweep={"repeats": 1}) + axes)
    with h5py.File(varied.out) as f:
        assert f["training_steps"].shape == (1, 1, 1, 1, 2, 2, 2, 1, 2), "exponent, batch, steps, and stage"
        assert (f["status"][()] == 1).all(), "cells of another mixture depend on it, by a stage"
        assert f["training_steps"][0, 0, 0, 0, 0, 0, :, 0].tolist() == [[20, 3], [20, 7]]
    alone = run(tmp_path / "alone", spec({"model": model}, sweep={"repeats": 1}),
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


@pytest.mark.parametrize("model, words", [
    ({"steps": 4, "stages": [DIRECT]}, ["models.model.steps has an effect with no stages only; remove it"]),
    ({"stages": [{**DIRECT, "steps": 0}]}, ["models.model.stages[0].steps must be at least 1, got 0"]),
    ({"stages": [DIRECT, {**DIRECT, "stps": 3}]}, ["unknown key models.model.stages[1].stps; did you mean models.model.stages[1].steps?"]),
    ({"stages": [DIRECT, {**DIRECT, "c": 2.0}]}, ["unknown key models.model.stages[1].c"]),
    ({"stages": [{**DIRECT, "mixture": "skewd"}]}, ["models.model.stages[0].mixture", 'no such mixture; did you mean "skewed"?']),
    ({"stages": [{**DIRECT, "mixture": "uniform"}]}, ["models.model.stages[0].mixture", "no table [tasks]"]),
    ({"stages": [DIRECT, {"training": "population"}]}, ["models.model.stages[1].training", "the first stage only"]),
    ({"stages": [DIRECT, {"steps": 4}]}, ["models.model.stages[1]"]),
    ({"stages": 3}, ["models.model.stages must be a list of tables: write [[models.model.stages]]"]),
    ({**TRANSFORMER, "stages": [{"objective": "direct", "examples_start": 40}]}, ["models.model.stages[0].examples_start"]),
])
def test_bad_stages_are_refused(program, model, words):
    program.spec.write_text(spec({"model": model}))
    for command in ("plan", "theory"):
        text = program(command, program.spec, code=2)
        for word in words:
            assert word in text, text
