"""What a reader needs without the program stands in the file: covariances as they are used, and trained maps."""

import h5py
import numpy
import pytest
import xarray
from specifications import specification

D = 4
ROTATED = {"target": {"rotation": "independent"}}
CLOSED = {"lsa": {"training": "closed_form"}}


def matrices(program, text):
    program.spec.write_text(text)
    program.run()
    names = ("model", "mixture", "hardness", "n", "repeat", "task")
    with xarray.open_dataset(program.out) as results, xarray.open_dataset(program.out, group="matrices") as group:
        coordinates = {name: results[name].values for name in names if name in results.dims and name in group.dims}
        return results.load(), group.load().assign_coords(coordinates)


def optimum(tasks, n):
    """Γ⁻¹ = E[Λ] E[(1 + 1/n) Λ² + tr(Λ) Λ/n]⁻¹ over tasks, pairs of a probability and a covariance."""
    mean = sum(p * c for p, c in tasks)
    second = sum(p * ((1 + 1 / n) * c @ c + numpy.trace(c) * c / n) for p, c in tasks)
    return mean @ numpy.linalg.inv(second)


def one_step(a, sigma, m):
    """E‖(I − AŜ)‖² at k = 1 with Gaussian features: d − 2 tr(AΣ) + tr(A E[Ŝ²] Aᵀ)."""
    second = (1 + 1 / m) * sigma @ sigma + numpy.trace(sigma) * sigma / m
    return len(sigma) - 2 * numpy.trace(a @ sigma) + numpy.trace(a @ second @ a.T)


def require_theory(results, group, tasks_of):
    """Γ⁻¹ from the group alone is the map that was trained, and gives limits and exact errors."""
    for model, mixture, hardness, n, repeat in numpy.ndindex(results["status"].shape):
        at = {"model": model, "mixture": mixture, "hardness": hardness, "n": n, "repeat": repeat}
        sigma = group["target_covariance"].isel(hardness=hardness).values
        a = optimum(tasks_of(at), int(results["n"][n]))
        trained = group["preconditioner"].isel(at).values
        assert abs(trained - a).max() < 1e-9 * abs(a).max()
        residual = numpy.eye(len(sigma)) - a @ sigma
        limit = [numpy.linalg.norm(numpy.linalg.matrix_power(residual, k)) ** 2 for k in results["k"].values]
        numpy.testing.assert_allclose(results["theory_limit"].isel(at), limit, rtol=1e-9)
        for i, m in enumerate(results["m"].values):
            assert results["theory_error"].isel({**at, "m": i, "k": 1}).item() == pytest.approx(one_step(a, sigma, m), rel=1e-9)


def test_theory_follows_from_the_covariances_of_the_file(program):
    text = specification(models=CLOSED, mixtures={"mine": {"spectrum": "power_law", "exponent": 2.0}},
                         sweep={"mixtures": ["matched", "skewed", "mine"], "hardness": [6.0, 12.0], "n": [3, 10]}, **ROTATED)
    results, group = matrices(program, text)
    assert group["target_covariance"].dims == ("hardness", "feature", "other_feature")
    assert group["mixture_covariance"].dims == ("mixture", "hardness", "feature", "other_feature")

    def tasks_of(at):
        return [(1, group["mixture_covariance"].isel(mixture=at["mixture"], hardness=at["hardness"]).values)]

    require_theory(results, group, tasks_of)
    for kind in ("target", "mixture"):
        own = numpy.linalg.eigvalsh(group[f"{kind}_covariance"].values)[..., ::-1]
        numpy.testing.assert_allclose(group[f"{kind}_eigenvalues"], own, rtol=1e-12)
    hard = group["target_eigenvalues"].sum("direction") / group["target_eigenvalues"].isel(direction=-1)
    numpy.testing.assert_allclose(hard, results["hardness"], rtol=1e-10)


def test_mixtures_of_candidates_are_told_by_their_tasks(program):
    text = specification(models=CLOSED, sweep={"mixtures": ["matched", "uniform", "selected"], "repeats": 2},
                         tasks={"exponents": [0.5, 1.0], "directions": [D], "each": 2}, **ROTATED)
    results, group = matrices(program, text)
    assert group["candidate_covariance"].dims == ("repeat", "task", "feature", "other_feature")
    assert (group["candidate_covariance"].isel(repeat=0) != group["candidate_covariance"].isel(repeat=1)).any()
    assert group["mixture_covariance"].sel(mixture=["uniform", "selected"]).isnull().all()

    def tasks_of(at):
        if at["mixture"] == 0:
            return [(1, group["mixture_covariance"].isel(mixture=0, hardness=at["hardness"]).values)]
        return list(zip(results["task_probability"].isel(at).values, group["candidate_covariance"].isel(repeat=at["repeat"]).values))

    require_theory(results, group, tasks_of)


def test_covariances_have_the_units_of_the_specification(program):
    target = {"spectrum": "list", "eigenvalues": [3e40, 1e40, 2e40, 5e40]}
    _, group = matrices(program, specification(models=CLOSED, target=target))
    numpy.testing.assert_array_equal(group["target_eigenvalues"].values, [[5e40, 3e40, 2e40, 1e40]])
    a = optimum([(1, group["target_covariance"].values[0] / 1e40)], 10) / 1e40
    numpy.testing.assert_allclose(group["preconditioner"].squeeze(), a, rtol=1e-9, atol=1e-55)


def test_a_varied_key_is_an_axis_of_the_covariances_that_it_changes(program):
    axes = {'"target.exponent"': [0.5, 1.0], '"task.noise"': [0.0, 0.1], '"models.lsa.c"': [1.0, 2.0]}
    text = specification(models=CLOSED, mixtures={"mine": {"spectrum": "list", "eigenvalues": [4, 3, 2, 1]}},
                         target={"spectrum": "power_law", "exponent": 1.0}, sweep={"mixtures": ["matched", "mine"]},
                         **{"sweep.axes": axes})
    results, group = matrices(program, text)
    assert group["target_covariance"].dims == ("hardness", "exponent", "feature", "other_feature")
    assert group["mixture_covariance"].dims == ("mixture", "hardness", "exponent", "feature", "other_feature")
    for i, exponent in enumerate((0.5, 1.0)):
        expected = numpy.diag(numpy.arange(1.0, D + 1) ** -exponent)
        numpy.testing.assert_allclose(group["target_covariance"].isel(exponent=i).squeeze(), expected, rtol=1e-12)
    assert results["status"].dims == ("model", "mixture", "hardness", "n", "c", "exponent", "noise", "repeat")


def test_learned_maps_are_those_of_the_weights(program):
    learned = {"training": "samples", "steps": 20, "batch": 50, "keep_weights": True}
    _, group = matrices(program, specification(models={"lsa": learned}))
    with h5py.File(program.out) as f:
        v, w = (f[f"weights/{name}"][()].squeeze() for name in ("v", "w"))
    a = w[D, 2 * D + 1] * v[D + 1:2 * D + 1, :D]
    numpy.testing.assert_array_equal(group["preconditioner"].squeeze(), a)


def test_models_without_a_map_have_none(program):
    from conftest import GPT2_SPEC

    _, group = matrices(program, GPT2_SPEC)
    of_models = group["preconditioner"].isnull().all([d for d in group["preconditioner"].dims if d != "model"])
    assert of_models.values.tolist() == [True, False]
    program.out.unlink()
    _, group = matrices(program, GPT2_SPEC.replace('["gpt2", "lsa"]', '["gpt2"]'))
    assert "preconditioner" not in group and "target_covariance" in group


def test_what_would_be_too_large_is_left_out_and_said(program):
    text = specification(models=CLOSED, task={"d": 300}, sweep={"hardness": [400.0, 600.0], "n": [10, 20]},
                         test={"k": 1, "prompts": 2, "baselines": False}, theory={"draws": 0})
    _, group = matrices(program, text)
    assert set(group.data_vars) == {"target_eigenvalues", "mixture_eigenvalues"}
    said = group.attrs["left_out"]
    for name, size in (("target_covariance", 1.44), ("mixture_covariance", 1.44), ("preconditioner", 2.88)):
        assert f"{name} would take {size} MB" in said
    assert program.out.stat().st_size < 1_500_000
    assert group["target_eigenvalues"].shape == (2, 300)


# A hundred thousand would be made to see that noise changes none of them.
def test_what_would_take_too_long_to_compare_is_left_out_and_said(program):
    program.spec.write_text(specification(
        models=CLOSED, task={"d": 20}, sweep={"hardness": [30.0]}, test={"k": 1, "prompts": 2, "baselines": False}, theory={"draws": 0},
        tasks={"exponents": [1.0], "directions": [3], "each": 1000}, **{"sweep.axes": {'"task.noise"': list(numpy.arange(200) / 100)}}))
    program.run("--max-time", "0s", code=75)
    group = xarray.open_dataset(program.out, group="matrices")
    assert {"target_covariance", "mixture_covariance"} <= set(group.data_vars) and "candidate_eigenvalues" not in group
    assert "candidate_covariance and candidate_eigenvalues, since 200000 matrices would" in group.attrs["left_out"]


def test_no_covariances_of_several_dimensions(program):
    _, group = matrices(program, specification(models=CLOSED, **{"sweep.axes": {'"task.d"': [3, 4]}}))
    assert not group.data_vars and group.attrs["left_out"] == "d differs between cells"


def test_mixtures_of_stages_alone_are_there_too(program):
    stages = [{"training": "samples", "steps": 2, "mixture": "steep"}, {"training": "samples", "steps": 2}]
    axes = {'"mixtures.steep.exponent"': [1.0, 2.0]}
    text = specification(models={"staged": {"stages": stages}}, mixtures={"steep": {"spectrum": "power_law", "exponent": 1.0}},
                         sweep={"mixtures": ["matched"]}, **{"sweep.axes": axes})
    results, group = matrices(program, text)
    assert group["stage_mixture"].values.tolist() == ["steep"] and results["mixture"].values.tolist() == ["matched"]
    assert group["stage_mixture_covariance"].dims == ("hardness", "exponent", "stage_mixture", "feature", "other_feature")
    for i, exponent in enumerate((1.0, 2.0)):
        spectrum = numpy.arange(1.0, D + 1) ** -exponent
        there = group["stage_mixture_covariance"].isel(exponent=i).squeeze()
        numpy.testing.assert_allclose(there / there[0, 0], numpy.diag(spectrum), rtol=1e-12)
        numpy.testing.assert_allclose(group["stage_mixture_eigenvalues"].isel(exponent=i).squeeze(), numpy.diag(there), rtol=1e-12)
    assert "left_out" not in group.attrs
    assert "resumes" not in program.run() and "damaged" not in program("verify", program.out)


def test_a_varied_mixture_of_a_stage_is_there_where_it_trains(program):
    stages = [{"training": "samples", "steps": 2, "mixture": "steep"}, {"training": "samples", "steps": 2}]
    tables = {name: {"spectrum": "power_law", "exponent": exponent} for name, exponent in (("steep", 2.0), ("flat", 0.5))}
    text = specification(models={"staged": {"stages": stages}}, mixtures=tables, sweep={"mixtures": ["matched"]},
                         **{"sweep.axes": {'"models.staged.stages[0].mixture"': ["steep", "flat"]}})
    _, group = matrices(program, text)
    there = group["stage_mixture_covariance"].notnull().all(("feature", "other_feature", "hardness"))
    varied = [name for name in there.dims if name != "stage_mixture"]
    assert len(varied) == 1 and there.transpose(varied[0], "stage_mixture").values.tolist() == [[True, False], [False, True]]
