"""Everything in a file is covered: by documented checksums, and found by `verify` when changed."""

import os

import h5py
import numpy
import pytest

from conftest import COTSCALE, LONG
from damaging import SPECS, ended, flip, flips, of
from independent_verifier import faults, xxh64


@pytest.mark.parametrize("name", SPECS)
def test_every_checksum_can_be_recomputed_from_the_docs(files, name):
    assert xxh64(b"") == 0xEF46DB3751D8E999 and xxh64(b"a") == 0xD24EC4F1A98C6E5B
    assert faults(files[name].out) == []
    assert "damaged" not in files[name]("verify", files[name].out)


@pytest.mark.parametrize("name", SPECS)
def test_verify_finds_every_flipped_byte(files, name, tmp_path):
    program = of(files, name, tmp_path)
    for place, bit in flips(program.out, name, 500 if LONG else 40):
        flip(program.out, place, bit)
        ended([COTSCALE, "verify", program.out], program.environment(), [74], (name, place, bit))
        flip(program.out, place, bit)
    assert "damaged" not in program("verify", program.out)


@pytest.mark.parametrize("change", [
    lambda f: f["n"].write_direct(numpy.array([7, 10])),
    lambda f: f["m"].write_direct(numpy.array([2, 21])),
    lambda f: f["hardness"].write_direct(numpy.array([6.0, 13.0])),
    lambda f: f["model"].__setitem__(0, "other"),
    lambda f: f["config_toml"].__setitem__((), "[sweep]\n"),
    lambda f: f["provenance"].attrs.modify("hostname", numpy.bytes_("elsewhere")),
    lambda f: f["error_mean"].attrs.modify("units", numpy.bytes_("m")),
    lambda f: f.attrs.__setitem__("note", "mine"),
])
def test_what_is_not_a_cell_cannot_be_changed_unnoticed(files, tmp_path, change):
    program = of(files, "lsa", tmp_path)
    with h5py.File(program.out, "r+") as f:
        change(f)
    before = program.out.read_bytes()
    for text in (program("verify", program.out, code=74), program("status", program.out, code=74), program.run(code=74, ranks=0)):
        assert f"{program.out}: damaged" in text and "restore the file from a copy, or compute it anew" in text
    assert program.out.read_bytes() == before and not os.path.exists(f"{program.out}.lock")


def test_a_damaged_file_can_be_overwritten(files, tmp_path):
    program = of(files, "lsa", tmp_path)
    flip(program.out, 40, 0)
    program("verify", program.out, code=74)
    program.run("--overwrite", ranks=0)
    assert "48 of 48" in program("verify", program.out)


RECORDED = ("status", "attempt", "rank", "start_time", "wall_seconds", "training_seconds", "tokens_per_second", "checksum",
            "record_checksum")


@pytest.mark.parametrize("name", RECORDED)
def test_a_damaged_record_is_found_and_its_cell_is_computed_again(files, tmp_path, name):
    program = of(files, "lsa", tmp_path)
    payload = program.payload()
    with h5py.File(program.out, "r+") as f:
        f[name][1, 2, 0, 1, 0] = 2 if name == "status" else 5
    text = program("verify", program.out, code=74)
    assert text.count("damaged: model closed, mixture mine, hardness 6, n 10, repeat 0") == 1 and "1 cells are damaged" in text
    assert "47 done before" in program.run(ranks=0)
    assert program.payload() == payload
    assert "48 of 48" in program("verify", program.out) and faults(program.out) == []


def test_a_done_cell_that_is_marked_pending_is_damage_too(files, tmp_path):
    program = of(files, "lsa", tmp_path)
    with h5py.File(program.out, "r+") as f:
        f["status"][0, 0, 0, 0, 0] = 0
    assert "damaged: model descent, mixture matched, hardness 6, n 3, repeat 0" in program("verify", program.out, code=74)
    program.run(ranks=0)
    assert "48 of 48" in program("verify", program.out)


def test_a_pending_cell_that_is_marked_done_is_damage(program):
    program.run("--max-time", "0s", code=75, ranks=0)
    assert "0 of 0 done cells" in program("verify", program.out)
    for status in (1, 2, 3, -1):
        with h5py.File(program.out, "r+") as f:
            f["status"][0, 0, 0, 0, 0] = status
        assert "1 cells are damaged" in program("verify", program.out, code=74)
    program.run(ranks=0)
    assert "48 of 48" in program("verify", program.out)


def test_failed_cells_have_a_record_too(program):
    # The programme of `selected` overflows for candidates of 1e143 in units of a target with a weak direction, which shows when its cells are
    # computed.
    program.spec.write_text("""
[sweep]
models = ["lsa"]
mixtures = ["matched", "selected"]
n = [5, 10]
[task]
d = 3
[target]
spectrum = "list"
eigenvalues = [2e-143, 1e-143, 1e-157]
[tasks]
exponents = [0.5]
directions = [3]
each = 2
[test]
k = 1
m = 5
prompts = 8
[models.lsa]
architecture = "lsa"
training = "closed_form"
""")
    text = program.run(code=1, ranks=0)
    [told] = [line for line in text.splitlines() if line.startswith("cotscale: failed: ")]
    assert "mixture selected, hardness" in told and "repeat 0 and 1 more: " in told and "the quadratic programme overflows" in told
    assert "2 of 2 done cells" in program("verify", program.out) and faults(program.out) == []
    listed = [line for line in program("status", program.out).splitlines() if line.startswith("  failed   model")]
    assert len(listed) == 2 and all("mixture selected, " in line and "repeat 0: " in line for line in listed)
    assert "the quadratic programme overflows" in listed[0] and listed[1].endswith("repeat 0: the same")
    with h5py.File(program.out, "r+") as f:
        assert sorted(f["failures/cell"][:2]) == [2, 3] and (f["failures/cell"][2:] == -1).all()
        f["failures/message"][0, 3] ^= 1
    assert "1 messages of failed cells are damaged" in program("verify", program.out, code=74)
    assert faults(program.out) == ["failure 0"]
    with h5py.File(program.out, "r+") as f:
        f["failures/message"][0, 3] ^= 1
        f["rank"][0, 1, 0, 0, 0] = 7
    assert "damaged: model lsa, mixture selected" in program("verify", program.out, code=74)
    program.run(code=1, ranks=0)
    assert "2 of 2 done cells" in program("verify", program.out) and faults(program.out) == []
