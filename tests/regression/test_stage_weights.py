"""Where the weights of stages, [[models.NAME.stages]], go: on from each to the next, in one shape, until they are not
finite."""

import numpy
import xarray

from conftest import Program
from sweeping import DIRECT, PROCESS, TRANSFORMER, run, weights, with_stages


# A second training whose rate is nothing is where the first one ended, and so is a sweep that begins with what is kept.
def test_weights_go_on_and_those_of_the_last_stage_are_kept(tmp_path):
    still = {**PROCESS, "learning_rate": 1e-300}
    first = run(tmp_path / "first", with_stages({"model": {"keep_weights": True, **DIRECT}}))
    both = run(tmp_path / "both", with_stages({"model": {"keep_weights": True, "stages": [DIRECT, still]}}))
    stored = {"initialisation": "stored", "initial_file": str(both.out), "initial_model": "model"}
    after = run(tmp_path / "after", with_stages({"model": {**still, "keep_weights": True, **stored}}))
    stages = [{**still, "mixture": "skewed"}, still]
    listed = run(tmp_path / "listed", with_stages({"model": {"keep_weights": True, **stored, "stages": stages}}))
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
    model = {**TRANSFORMER, "keep_weights": True, "stages": [direct, rollout]}
    staged = run(tmp_path / "staged", with_stages({"gpt2": model}, test={"m": [8], "prompts": 20}))
    results = xarray.open_dataset(staged.out).load()
    assert results["error_mean"].sel(stage=[0, 1]).notnull().all(), "a stage of direct has positions for the chain of the other"
    positions = xarray.open_dataset(staged.out, group="weights")["wpe.weight"]
    assert positions.notnull().all()


# Nothing can be trained from weights that are not finite.
def test_a_list_ends_where_weights_are_not_finite(tmp_path):
    wild = {**DIRECT, "optimizer": "gd", "learning_rate": 1.7e308}
    staged = Program(tmp_path)
    staged.spec.write_text(with_stages({"model": {"stages": [DIRECT, wild, DIRECT]}}))
    assert "repeat 0, stage 1) after" in staged.run(code=1)
    results = xarray.open_dataset(staged.out).load().isel(model=0, mixture=0, hardness=0, n=0, repeat=0)
    assert results["training_diverged"].values.tolist() == [0, 1, -1]
    assert results["error_mean"].sel(stage=2).isnull().all() and results["error_mean"].sel(stage=0).notnull().all()
    assert "2 not converged, 2 of them diverged" in staged.run(code=1)
