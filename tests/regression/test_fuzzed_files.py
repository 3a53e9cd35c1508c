"""Files of transformers with their weights, and of selections, damaged in many ways: whatever opens them refuses, or mends them bit for bit."""

import random
import subprocess
import sys

import h5py
import pytest

from conftest import GPT2_SPEC, LONG, SELECTION_SPEC, Program

SPECS = {"gpt2": GPT2_SPEC, "selection": SELECTION_SPEC}
DONE, DISAGREE, DAMAGED = 0, 65, 74  # exit codes
SOON = 60  # seconds; whatever takes longer hangs


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """A complete file of each kind."""
    out = {}
    for name, text in SPECS.items():
        program = Program(tmp_path_factory.mktemp(name))
        program.spec.write_text(text)
        program.run(ranks=0) if name == "gpt2" else program("select", program.spec, "--output", program.out)
        out[name] = program
    return out


def weight_bytes(path):
    """The places of transformers' weights in a file; of the whole file, if it has none."""
    with h5py.File(path) as f:
        group = f.get("weights", {})
        places = [(node.id.get_offset(), node.id.get_storage_size()) for node in group.values() if node.id.get_offset() is not None]
    return places or [(0, path.stat().st_size)]


def flipped(data, rng, places):
    begin, size = rng.choice(places)
    at = begin + rng.randrange(size)
    return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]


def flipped_anywhere(data, rng, places):
    return flipped(data, rng, [(0, len(data))])


def flipped_in_front(data, rng, places):
    return flipped(data, rng, [(0, 16384)])


def overwritten(data, rng, places):
    at, size = rng.randrange(len(data)), rng.choice([8, 64, 512, 4096])
    return (data[:at] + rng.randbytes(size) + data[at + size :])[: len(data)]


def zeroed(data, rng, places):
    begin, size = rng.choice(places)
    at = begin + rng.randrange(size)
    return data[:at] + bytes(min(4096, len(data) - at)) + data[at + 4096 :]


def truncated(data, rng, places):
    return data[: rng.randrange(len(data))]


def longer(data, rng, places):
    return data + rng.randbytes(rng.randrange(1, 5000))


def shifted(data, rng, places):
    at = rng.randrange(len(data))
    return data[:at] + data[at + 1 :] + b"\0"


def exchanged(data, rng, places):
    """Two blocks of a file system change places."""
    a, b = sorted(rng.sample(range(len(data) // 4096), 2))
    a, b = a * 4096, b * 4096
    return data[:a] + data[b : b + 4096] + data[a + 4096 : b] + data[a : a + 4096] + data[b + 4096 :]


MUTATIONS = [flipped, flipped_anywhere, flipped_in_front, overwritten, zeroed, truncated, longer, shifted, exchanged]


def mutants(path, seed):
    """(description, bytes) of damaged copies; none is the original."""
    whole, places, rng = path.read_bytes(), weight_bytes(path), random.Random(seed)
    for number in range((15 if LONG else 1) * len(MUTATIONS)):
        mutation = MUTATIONS[number % len(MUTATIONS)]
        data = mutation(whole, rng, places)
        if data != whole:
            yield f"{number}, {mutation.__name__}", data


def ended(program, *arguments):
    """(exit code, what was said) of a command that may refuse, but not crash, hang or speak of an internal error."""
    done = subprocess.run(program.command(*arguments), env=program.environment(), cwd=program.directory, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, errors="replace", timeout=SOON)
    said = done.stdout + done.stderr
    assert done.returncode in (DONE, DISAGREE, DAMAGED), (arguments, done.returncode, said)
    assert done.returncode == DONE or str(program.out) in said, said
    return done.returncode, said


def code(program, *arguments):
    return ended(program, *arguments)[0]


def only_in_cells(program):
    """Whether all damage is in results of cells, and not in names, coordinates, specification or structure."""
    verified, said = ended(program, "verify", program.out)
    assert verified == DAMAGED, said
    return "cells are damaged" in said


@pytest.mark.parametrize("name", SPECS)
def test_a_damaged_file_is_never_taken_for_whole(originals, tmp_path, name):
    program = Program(tmp_path)
    program.spec.write_text(SPECS[name])
    payload = originals[name].payload()
    seen = set()
    for where, data in mutants(originals[name].out, name):
        program.out.write_bytes(data)
        cells = only_in_cells(program)
        # It looks at the marks of cells, and leaves their results to `verify`.
        assert code(program, "status", program.out) == (DONE if cells else DAMAGED), where
        assert code(program, "select", program.spec, "--output", program.out) == DISAGREE, where  # it exists
        assert program.out.read_bytes() == data, where
        seen.add(cells)
        if name == "gpt2":
            resume(program, where, cells, payload)
        else:
            replace(program, where, payload)
    assert seen == ({True, False} if name == "gpt2" else {False}), "the mutations do not reach everything"


def resume(program, where, cells, payload):
    """Cells that are damaged are computed again, bit for bit; of a file with other damage nothing is changed."""
    data = program.out.read_bytes()
    assert code(program, "select", program.spec, "--output", program.out, "--overwrite") == DISAGREE, where
    assert program.out.read_bytes() == data, where
    assert code(program, "run", program.spec, "--output", program.out) == (DONE if cells else DAMAGED), where
    if cells:
        assert code(program, "verify", program.out) == DONE, where
        assert program.payload() == payload, where
    else:
        assert program.out.read_bytes() == data, where


def replace(program, where, payload):
    """A selection is replaced by the same one, or is not known as one any more and left alone."""
    data = program.out.read_bytes()
    if code(program, "select", program.spec, "--output", program.out, "--overwrite") == DONE:
        assert code(program, "verify", program.out) == DONE, where
        assert program.payload() == payload, where
    else:
        assert program.out.read_bytes() == data, where


TABLES = """
import sys
from cotscale_analysis.__main__ import main
print(*(main(["table", file]) for file in sys.argv[1:]), file=sys.stderr)
"""


@pytest.mark.parametrize("name", SPECS)
def test_the_analysis_refuses_a_file_that_is_damaged_outside_of_cells(originals, tmp_path, name):
    program = Program(tmp_path)
    cells, files = [], []
    for number, (_, data) in enumerate(mutants(originals[name].out, name + ", tables")):
        files.append(tmp_path / f"{number}.h5")
        files[-1].write_bytes(data)
        program.out = files[-1]
        cells.append(only_in_cells(program))
    done = subprocess.run([sys.executable, "-c", TABLES, *files], env=program.environment(), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=10 * SOON)
    assert done.returncode == 0, done.stderr
    codes = list(map(int, done.stderr.splitlines()[-1].split()))
    # The tables check what the seal covers; results of cells are for `verify`.
    assert [code == DONE for code in codes] == cells
    assert set(codes) <= {DONE, DISAGREE, DAMAGED}
