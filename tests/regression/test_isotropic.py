"""Isotropic sweeps: a million dimensions, as cheap as a few, and few dimensions the same either way."""

import subprocess
import sys

import h5py
import numpy
import pytest
import xarray
from refusing import of_all_commands
from specifications import specification

D = 1_000_000
ISOTROPIC = {"spectrum": "power_law", "exponent": 0.0}


def sweep_of(d, n, m, k=30, prompts=400, **others):
    tables = {"task": {"d": d}, "target": ISOTROPIC, "test": {"k": k, "m": m, "prompts": prompts}}
    tables["sweep"] = {"n": n, "mixtures": ["matched", "isotropic"], **others.pop("sweep", {})}
    return specification(**{**tables, **others})


def marchenko_pastur(ratio, gamma, k):
    """∫ (1 − λ/γ)^{2k} dμ(λ), λ = 1 + ratio − 2 √ratio cos θ."""
    points = 20_000
    theta = numpy.pi * (numpy.arange(points) + 0.5) / points
    eigenvalue = 1 + ratio - 2 * numpy.sqrt(ratio) * numpy.cos(theta)
    density = 2 * numpy.sin(theta) ** 2 / (numpy.pi * eigenvalue)
    return max(0.0, 1 - 1 / ratio) + ((1 - eigenvalue / gamma) ** (2 * k) * density).sum() * numpy.pi / points


def peak_megabytes(program, *arguments):
    """Of the program alone, without a launcher; and what it printed."""
    code = ("import resource, subprocess, sys\n"
            "done = subprocess.run(sys.argv[1:])\n"
            "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
            "sys.exit(done.returncode)")
    done = subprocess.run([sys.executable, "-c", code, *program.command(*arguments)], env=program.environment(2),
                          cwd=program.directory, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return int(done.stdout.split()[-1]) / 1024, done.stdout


def test_a_million_dimensions_run_verify_and_agree_with_theory(program):
    program.spec.write_text(sweep_of(D, [D, 3 * D], [D // 2, 10 * D]))
    assert "memory" in program("plan", program.spec) and "0.766" in program("theory", program.spec), "the edge of the law"
    megabytes, told = peak_megabytes(program, "run", program.spec, "--output", program.out)
    assert megabytes < 300 and program.out.stat().st_size < 5e6
    assert "measured errors agree with theory" in told and "0 of 4 trained maps differ" in told
    assert "done     4" in program("status", program.out)
    program("verify", program.out)
    for engine in ("netcdf4", "h5netcdf"):
        with xarray.open_dataset(program.out, engine=engine) as data:
            data = data.load()
            assert max(data.sizes.values()) < 100 and (data.status == 1).all() and (data.converged == 1).all()
    with xarray.open_dataset(program.out, group="provenance") as provenance:
        assert provenance.attrs["sampler"] == "bidiagonal" and provenance.attrs["blas_threads"] == 1
    with h5py.File(program.out) as f:
        assert "d is 1000000" in str(f["matrices"].attrs["left_out"]) and "feature" not in f["matrices"]
    for n in (D, 3 * D):
        gamma = 1 + (D + 1) / n
        for m in (D // 2, 10 * D):
            for k in range(31):
                measured = data.error_mean.sel(mixture="matched", n=n, m=m, k=k).item() / D
                assert measured == pytest.approx(marchenko_pastur(D / m, gamma, k), rel=0.02), (n, m, k)
    one_step = D * ((1 - 1 / 2.000001) ** 2 + (D + 1) / (10 * D) / 2.000001 ** 2)
    assert data.theory_error.sel(mixture="matched", n=D, m=10 * D, k=1).item() == pytest.approx(one_step, rel=1e-9)
    assert data.theory_limit.sel(mixture="matched", n=D, k=2).item() == pytest.approx(D * (1 - 1 / 2.000001) ** 4, rel=1e-9)


def test_baselines_of_a_million_dimensions_are_what_they_must_be(program):
    program.spec.write_text(sweep_of(D, [D], [D // 2, 4 * D], k=12, prompts=64, sweep={"mixtures": ["matched"]}))
    program.run()
    with xarray.open_dataset(program.out) as data:
        data = data.squeeze()
        few, many = data.baseline_error.sel(m=D // 2), data.baseline_error.sel(m=4 * D)
        assert (many.sel(baseline="least_squares") == 0).all()
        numpy.testing.assert_allclose(few.sel(baseline="least_squares"), D / 2, rtol=0.01, err_msg="what the examples do not span")
        numpy.testing.assert_allclose(few.sel(baseline="ridge"), D / 2, rtol=0.01)
        assert (many.sel(baseline="ridge") < 1e-6 * D).all() and (data.baseline_parameter.sel(baseline="ridge") == 1e-6).all()
        assert (few.sel(baseline="gradient_descent", k=12) <= few.sel(baseline="gradient_descent", k=0)).all()
        oracle = [marchenko_pastur(0.25, 1, k) for k in range(13)]
        numpy.testing.assert_allclose(many.sel(baseline="oracle") / D, oracle, rtol=0.02)


def test_a_sweep_that_is_not_isotropic_throughout_keeps_wishart_prompts(program):
    for tables, sampler in [({}, "bidiagonal"), ({"mixtures": ["matched", "skewed"]}, "wishart"), ({"hardness": [6.0, 9.0]}, "wishart")]:
        text = specification(task={"d": 6}, sweep=tables)
        program.spec.write_text(text)
        program.run("--overwrite")
        with xarray.open_dataset(program.out, group="provenance") as provenance:
            assert provenance.attrs["sampler"] == sampler
        with h5py.File(program.out) as f:
            assert f"sampler = '{sampler}'" in f["config_toml"][()].decode()


def test_few_dimensions_are_the_same_either_way(program):
    """All that prompts have no part in is equal; errors agree within what chance explains."""
    text = specification(task={"d": 6}, sweep={"mixtures": ["matched", "isotropic"], "n": [10, 40], "repeats": 3},
                         test={"k": 6, "m": [4, 60], "prompts": 4000}, models={"lsa": {"keep_weights": True}})
    program.spec.write_text(text)
    both = []
    for sampler in ("bidiagonal", "wishart"):
        assert "measured errors agree with theory" in program.run("--overwrite", "--set", f"test.sampler={sampler}")
        groups = [xarray.open_dataset(program.out, group=group).load() for group in (None, "weights", "matrices")]
        both.append(groups)
    for name in ("theory_error", "theory_limit", "theory_bound", "spectral_radius", "final_loss", "predicted_error"):
        numpy.testing.assert_allclose(both[0][0][name], both[1][0][name], rtol=1e-10, atol=1e-12, err_msg=name)
    for group in (1, 2):
        assert set(both[0][group].variables) == set(both[1][group].variables)
        for name in both[0][group].data_vars:
            numpy.testing.assert_allclose(both[0][group][name], both[1][group][name], rtol=1e-10, atol=1e-12, err_msg=name)
    a, b = both[0][0].sel(m=60), both[1][0].sel(m=60)
    z = (a.error_mean - b.error_mean) / numpy.hypot(a.error_stderr, b.error_stderr)
    assert abs(z).max() < 5 and (a.error_mean != b.error_mean).all()


@pytest.mark.parametrize("tables, words", [
    ({"sweep": {"mixtures": ["matched", "skewed"]}}, 'sweep.mixtures has "skewed"'),
    ({"models": {"lsa": {"training": "samples", "steps": 3}}}, "models.lsa makes more of its prompts"),
    ({"models": {"lsa": {"roll_out": "definition"}}}, "models.lsa makes more of its prompts"),
    ({"task": {"d": D, "noise": 0.5}}, "task.noise is 0.5"),
    ({"target": {"spectrum": "power_law", "exponent": 0.5}}, "target.spectrum has eigenvalues that differ"),
])
def test_what_needs_arrays_of_a_million_is_refused_in_words(program, tables, words):
    program.spec.write_text(sweep_of(D, [D], [D], **tables))
    for name, text in of_all_commands(program, 2, ("plan", "theory", "run")).items():
        assert "task.d is 1000000; beyond 20000 everything must be isotropic" in text and words in text, name
    program.spec.write_text(sweep_of(D, [D], [D], **{**tables, "test": {"k": 2, "m": [D], "prompts": 10, "sampler": "bidiagonal"}}))
    assert words in program("plan", program.spec, code=2)


def test_weights_of_a_million_dimensions_are_not_kept(program):
    program.spec.write_text(sweep_of(D, [D], [D], models={"lsa": {"keep_weights": True}}))
    for name, text in of_all_commands(program, 2, ("plan", "theory", "run")).items():
        assert "task.d = 1000000 needs about" in text, name
