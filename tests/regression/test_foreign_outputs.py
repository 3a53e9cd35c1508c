"""An output file that is not this sweep's is neither resumed nor replaced: files of others, damaged ones, and those
of another specification; the message says which it is."""

import os
import shutil

import h5py
import numpy
import pytest

from conftest import Program


@pytest.fixture(scope="module")
def complete(tmp_path_factory):
    """A complete results file, never changed."""
    program = Program(tmp_path_factory.mktemp("complete"))
    program.run()
    return program.out


def unsealed(path, title, version):
    with h5py.File(path, "w") as f:
        f.attrs["title"], f.attrs["schema_version"] = numpy.bytes_(title), version


@pytest.mark.parametrize("spoil, code, words", [
    (lambda p: p.write_text("not HDF5"), 74, "not HDF5"),
    (lambda p: os.truncate(p, p.stat().st_size // 2), 74, "truncated"),
    (lambda p: h5py.File(p, "w").close(), 65, "not a results file of cotscale"),
    (lambda p: unsealed(p, "cotscale: of the future", 99), 65, "schema version 99"),
    (lambda p: unsealed(p, "somebody's", 3), 65, "not a results file of cotscale"),
    (lambda p: h5py.File(p, "r+").attrs.modify("schema_version", 99), 74, "damaged"),
])
def test_an_output_file_that_cannot_be_resumed(program, complete, spoil, code, words):
    shutil.copy(complete, program.out)
    spoil(program.out)
    before = program.out.read_bytes()
    for command in ("run", "status", "verify"):
        text = program.run(code=code) if command == "run" else program(command, program.out, code=code)
        assert words in text and str(program.out) in text
    assert program.out.read_bytes() == before, "nothing of it was touched"
    assert not os.path.exists(f"{program.out}.lock")


def test_overwrite_replaces_nothing_but_results(program):
    program.out.write_text("my thesis")
    assert "--overwrite replaces no others" in program.run("--overwrite", code=65)
    assert program.out.read_text() == "my thesis"


def test_a_file_of_another_specification(program, complete):
    shutil.copy(complete, program.out)
    text = program.run("--set", "sweep.seed=7", "--set", "test.m=[2]", code=65)
    assert "sweep.seed: in the file 0, now 7" in text and "test.m: in the file [ 2, 20 ], now [ 2 ]" in text
    assert "--overwrite" in text
