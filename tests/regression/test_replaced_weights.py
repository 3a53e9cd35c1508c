"""A file of weights that a run begins with is identified when the run begins: written over during it, the cells that
need it fail; replaced or only touched, the run goes on with what was identified."""

import os
import shutil
import time

import h5py
import numpy
import pytest

from conftest import wait_until
from refusing import SLOW, begins_with
from specifications import specification


@pytest.fixture
def weights(program):
    """first.h5 with weights; a specification whose slow cell goes first, and whose other begins with these weights."""
    program.spec.write_text(specification(models={"first": {"training": "closed_form", "keep_weights": True}}))
    program("run", program.spec, "--output", "first.h5")
    program.spec.write_text(specification(models={"slow": SLOW, "second": begins_with("first.h5")}))
    return program.directory / "first.h5"


def disturbed(program, disturb):
    """What a run on one rank does while its slow cell is computed, and its exit code."""
    run = program.start(ranks=1)
    wait_until(program.out.exists)
    disturb()
    assert run.poll() is None, "the run was over before anything was done"
    text, _ = run.communicate(timeout=120)
    return text, run.returncode


def test_weights_that_are_written_over_during_a_run_fail_their_cells(program, weights):
    whole = weights.read_bytes()

    def write_over():
        with h5py.File(weights, "r") as f:
            offset = f["weights/v"].id.get_offset()
        with open(weights, "r+b") as f:
            f.seek(offset + 8)
            f.write(numpy.float64(7).tobytes())

    text, code = disturbed(program, write_over)
    assert code == 1 and "cell failed (model second" in text and "has changed since the run began" in text
    assert list(program.status()) == [1, 2]
    weights.write_bytes(whole)
    assert "1 done before" in program.run(ranks=1)


def test_weights_whose_file_is_replaced_during_a_run_are_those_that_were_identified(program, weights):
    program.run(ranks=1)
    undisturbed = program.payload()
    program.out.unlink()
    other = program.directory / "other.h5"
    shutil.copy(weights, other)
    with h5py.File(other, "r+") as f:
        f["weights/v"][...] += 1
    text, code = disturbed(program, lambda: os.replace(other, weights))
    assert code == 0, text
    assert program.payload() == undisturbed


def test_weights_that_are_only_touched_are_what_they_were(program, weights):
    text, code = disturbed(program, lambda: os.utime(weights, (time.time() + 9, time.time() + 9)))
    assert code == 0, text
