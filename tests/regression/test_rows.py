"""Features that are the rows of a data set: from the file to the verdict."""

import re

import h5py
import netCDF4
import numpy
import pytest

from specifications import specification

D = 4


def data(count=60, seed=1):
    rng = numpy.random.default_rng(seed)
    return rng.exponential(size=(count, D)) @ numpy.triu(numpy.ones((D, D))) + 3


def write(program, name, values):
    if name.endswith(".csv"):
        numpy.savetxt(program.directory / name, values, delimiter=",", header="a,b,c,d", comments="", fmt="%.17g")
    else:
        with h5py.File(program.directory / name, "w") as f:
            f["x"] = values


def sweep(**target):
    return specification(
        sweep={"hardness": None, "mixtures": ["matched", "gaussian", "others", "isotropic"], "repeats": 3},
        target={"features": "rows", "rows_file": "x.csv", **target}, test={"m": [5, 20], "prompts": 200},
        mixtures={"gaussian": {"features": "gaussian"}, "others": {"features": "rows", "rows_file": "others.h5", "rows_scale": "trace"}})


@pytest.fixture
def rows(program):
    write(program, "x.csv", data())
    write(program, "x.h5", data())
    write(program, "others.h5", data(40, 2))
    return program


def variables(program, *names):
    with netCDF4.Dataset(program.out) as file:
        file.set_auto_mask(False)
        return [file[name][:] for name in names]


@pytest.mark.parametrize("centre", [True, False])
@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_plan_theory_run_and_verdict_agree(rows, centre, noise):
    rows.spec.write_text(sweep(centre=centre) + "[theory]\ndraws = 50\nmost_draws = 50\n")
    change = ("--set", f"task.noise={noise}")
    x = data() - (data().mean(0) if centre else 0)
    eigenvalues = numpy.linalg.eigvalsh(x.T @ x / len(x))
    hardness = f"{eigenvalues.sum() / eigenvalues[0]:.6g}"
    assert hardness in rows("plan", rows.spec, *change)
    said = rows("theory", rows.spec, *change)
    assert hardness in said and 'prompts with features = "rows"' in said and "Wishart" not in said
    text = rows.run(*change)
    assert "theory: measured errors agree with theory\n" in text
    errors, expected, differ = variables(rows, "error_mean", "theory_error", "preconditioner_error")
    assert numpy.isfinite(expected[..., 1]).all() and (differ < 1e-8).all()
    assert (errors[..., 0] > 1).all()


def test_the_expected_error_is_that_of_the_rows(rows):
    """‖I − AΛ‖² + (tr(AFAᵀ) − tr(AΛ²Aᵀ))/m with A the inverse of ((1 − 1/n) Λ² + F/n) Λ⁻¹, Λ and F means over the rows."""
    rows.spec.write_text(sweep(centre=False))
    rows.run("--set", "sweep.mixtures='matched'")
    x, n, m = data(), 10, 20
    second = x.T @ x / len(x)
    fourth = (x * (x**2).sum(1, keepdims=True)).T @ x / len(x)
    a = second @ numpy.linalg.inv((1 - 1 / n) * second @ second + fourth / n)
    gap = numpy.eye(D) - a @ second
    expected = (gap**2).sum() + numpy.trace(a @ (fourth - second @ second) @ a.T) / m
    theory, = variables(rows, "theory_error")
    assert numpy.allclose(theory.reshape(3, 2, -1)[:, 1, 1], expected, rtol=1e-9)


def test_numbers_follow_from_the_values_and_not_from_the_file(rows):
    rows.spec.write_text(sweep())
    rows.run()
    first = variables(rows, "error_mean", "theory_error")
    rows.run("--overwrite", "--set", "target.rows_file=x.h5", ranks=2)
    assert all(numpy.array_equal(a, b, equal_nan=True) for a, b in zip(first, variables(rows, "error_mean", "theory_error")))
    write(rows, "x.h5", data() * numpy.array([1, 1, 1, 1 + 1e-9]))
    rows.run("--overwrite", "--set", "target.rows_file=x.h5")
    changed, = variables(rows, "error_mean")
    assert not numpy.allclose(first[0][..., 1:], changed[..., 1:], rtol=1e-6), "other rows have other prompts"


def test_bits_do_not_depend_on_the_threads_that_read_the_file(rows):
    rows.spec.write_text(sweep())
    rows.run(ranks=1)
    alone = rows.payload()
    rows.run("--overwrite", ranks=1, threads=2)
    assert rows.payload() == alone


def test_a_changed_file_is_refused(rows):
    rows.spec.write_text(sweep())
    rows.run("--max-time", "0s", code=75)
    write(rows, "x.csv", data(60, 3))
    assert "target.rows_sha256: in the file" in rows.run(code=65)


def test_fewer_rows_than_dimensions_are_a_singular_target(rows):
    write(rows, "x.csv", data(4))
    rows.spec.write_text(sweep())
    assert "hardness inf" in rows("plan", rows.spec)


@pytest.mark.parametrize("write_rows, words", [
    (lambda p: write(p, "x.csv", data()[:, :3]), ["x.csv, line 2: 3 values, but there should be 4, which is task.d"]),
    (lambda p: (p.directory / "x.csv").write_text("1,2,3,4\n1,2,x,4\n"), ["x.csv, line 2, column 3: 'x' is no number"]),
    (lambda p: (p.directory / "x.csv").write_text("1,2,3,4\n1,2,5,inf\n"), ["line 2, column 4: inf is not finite"]),
    (lambda p: write(p, "x.csv", data() * [1, 0, 1, 1]), ["x.csv: column 2 is constant (0)"]),
    (lambda p: (p.directory / "x.csv").unlink(), ["names a file that cannot be read", "x.csv"]),
    (lambda p: write(p, "x.csv", data() * 1e154), ["x.csv: squares of its values are beyond what a double holds"]),
    (lambda p: (p.directory / "x.csv").write_text(""), ["0 rows of 4 columns"]),
    (lambda p: (p.directory / "x.h5").rename(p.directory / "x.csv") and write(p, "x.h5", data()), []),
])
def test_a_file_that_is_no_data_set(rows, write_rows, words):
    write_rows(rows)
    rows.spec.write_text(sweep(rows_scale="unit_variance"))
    text = rows("plan", rows.spec, code=2 if words else 0)
    assert all(word in text for word in [*words, *(["target.rows_file"] if words else [])]), text


@pytest.mark.parametrize("dataset, words", [
    ("missing", "there is no such dataset"), ("one", "its shape is (4), not (rows, 4)"), ("huge", "more than the 1024 MB"),
    ("wide", "its rows have 5 columns, but task.d = 4"), ("text", "cannot be read"),
])
def test_a_dataset_that_holds_no_rows(rows, dataset, words):
    with h5py.File(rows.directory / "bad.h5", "w") as f:
        f["one"], f["wide"], f["text"] = numpy.ones(4), numpy.ones((3, 5)), [["a", "b", "c", "d"]] * 3
        f.create_dataset("huge", shape=(1 << 40, D), chunks=(1024, D))
    rows.spec.write_text(sweep(rows_file="bad.h5", dataset=dataset))
    text = rows("plan", rows.spec, code=2)
    assert words in text and "bad.h5" in text and "target.rows_file" in text


@pytest.mark.parametrize("key, value, words", [
    ("target.spectrum", "power_law", "that is not that of the rows"),
    ("target.rotation", "shared", "that is not that of the rows"),
    ("target.file", "x.h5", "that is not that of the rows"),
    ("mixtures.others.spectrum", "power_law", "that is not that of the rows"),
    ("sweep.hardness", 8, "neither spectrum nor rows"),
    ("mixtures.gaussian.rotation", "shared", "has an effect with spectrum only"),
    ("mixtures.gaussian.centre", "false", 'features = "rows" only'),
    ("test.sampler", "wishart", 'target.features is "rows"'),
])
def test_what_has_no_meaning_beside_rows_is_refused(rows, key, value, words):
    rows.spec.write_text(sweep())
    text = rows("plan", rows.spec, "--set", f"{key}={value}", code=2)
    assert words in text and re.search(rf"\b{key}\b", text), text


def test_keys_of_rows_may_vary(rows):
    rows.spec.write_text(sweep() + '[sweep.axes]\n"target.rows_scale" = ["none", "unit_variance"]\n')
    rows.run("--set", "sweep.mixtures='matched'")
    expected, = variables(rows, "theory_error")
    assert expected.shape[-4:-2] == (2, 3), "scale, repeat, then m and k"
    assert (expected[..., 0, 0, :, 1] != expected[..., 1, 0, :, 1]).all()
