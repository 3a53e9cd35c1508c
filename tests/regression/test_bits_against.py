"""The comparison of two builds (tests/bits_against.py) sees every change, and none where there is none."""

import pathlib
import sys

import h5py
import numpy
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import bits_against  # noqa: E402

from conftest import SPEC, Program  # noqa: E402


def differences(old, new):
    return bits_against.compare(old, new)[0]


OLD = {"error_mean": numpy.array([[1.0, numpy.nan, 3.0]]), "best_k": numpy.array([1, 2]), "checksum": numpy.array([7], numpy.uint64),
       "model": ["lsa"]}


@pytest.mark.parametrize("name, value, said", [
    ("error_mean", numpy.array([[1.0, numpy.nan, 3.0 + 2**-50]]), "1 of 3 values differ, by up to 3e-16"),
    ("error_mean", numpy.array([[1.0, 2.0, 3.0]]), "1 of 3 values differ, by up to 0, relative; 1 of them are finite"),
    ("error_mean", numpy.array([[1.0, numpy.nan]]), "shape (3,), now (2,)"),
    ("best_k", numpy.array([1, 2], numpy.int32), "type int64, now int32"),
    ("checksum", numpy.array([8], numpy.uint64), "1 of 1 values differ"),
    ("model", ["other"], "the text differs"),
])
def test_what_differs_is_told(name, value, said):
    assert differences(OLD, OLD) == []
    lines = differences(OLD, {**OLD, name: value})
    assert len(lines) == 1 and lines[0].startswith(f"{name}: ") and said in lines[0]


def test_signs_of_zero_and_payloads_of_nan_are_bits_too():
    assert differences({"x": numpy.array([0.0])}, {"x": numpy.array([-0.0])})


def test_a_new_axis_of_length_one_is_no_difference():
    assert differences(OLD, {**OLD, "error_mean": OLD["error_mean"][:, None, :, None]}) == []


def test_names_that_go_and_come_are_told_unless_they_are_listed(monkeypatch):
    new = {"error": OLD["error_mean"], "stage": numpy.array([1]), **{name: OLD[name] for name in ("best_k", "model")}, "checksum": numpy.array([9])}
    lines = differences(OLD, new)
    assert [line.split(":")[0] for line in lines] == ["error_mean", "checksum", "error", "stage"]
    monkeypatch.setattr(bits_against, "RENAMED", {"error_mean": "error"})
    monkeypatch.setattr(bits_against, "NEW", {"stage"})
    lines, same, notes = bits_against.compare(OLD, new)
    assert lines == [] and same == 3 and "checksum: not compared" in notes[0]


def test_two_runs_of_one_build_are_equal_and_a_changed_number_is_found(tmp_path):
    program = Program(tmp_path)
    program.spec.write_text(SPEC)
    program.run(ranks=0)
    first = bits_against.contents(program.out)
    program.run("--overwrite", ranks=2)
    second = bits_against.contents(program.out)
    assert differences(first, second) == [] and {"error_mean", "checksum", "config_toml", "provenance@rng", "@title"} <= set(first)
    with h5py.File(program.out, "r+") as f:
        f["training_loss"][0, 0, 0, 0, 0, 0] += 1e-9
    assert [line.split(":")[0] for line in differences(first, bits_against.contents(program.out))] == ["training_loss"]
