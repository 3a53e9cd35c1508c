"""Weights to begin training with are those of a file that is recorded; what was replaced, damaged or is not there is
refused, and cells that find them changed during a run fail, and are tried again."""

import hashlib
import pathlib
import shutil

import h5py
import pytest

from conftest import Program, wait_until

LEARN_FROM = """
[sweep]
name = "learn"
models = ["first"]
mixtures = ["matched", "isotropic"]
hardness = [6.0]
n = [3, 10]
[task]
d = 3
[test]
k = 2
m = 5
prompts = 20
[models.first]
architecture = "lsa"
training = "closed_form"
keep_weights = true
[models.second]
architecture = "lsa"
training = "samples"
steps = 2
initialisation = "stored"
initial_file = "first.h5"
initial_model = "first"
"""
SECOND = ("--set", "sweep.models='second'")


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """A file with the weights of LEARN_FROM's first model, never changed."""
    program = Program(tmp_path_factory.mktemp("learned"))
    program.spec.write_text(LEARN_FROM)
    program.run(ranks=0)
    return program.out


@pytest.fixture
def parent(program, learned):
    """LEARN_FROM, and first.h5 that its second model begins with."""
    program.spec.write_text(LEARN_FROM)
    return pathlib.Path(shutil.copy(learned, program.directory / "first.h5"))


def test_weights_to_begin_with_are_those_of_a_file_that_is_recorded(program, parent):
    program.run(*SECOND)
    with h5py.File(program.out) as f:
        text = f["config_toml"][()].decode()
    assert f"initial_sha256 = '{hashlib.sha256(parent.read_bytes()).hexdigest()}'" in text
    program.spec.write_text(text)
    assert "4 done before" in program.run(), "the resolved text is a specification itself"


def test_weights_that_are_replaced_between_stop_and_resume_are_refused(program, parent):
    program.run(*SECOND, "--max-time", "0s", code=75)
    program("run", program.spec, "--output", "first.h5", "--overwrite", "--set", "sweep.seed=1")
    text = program.run(*SECOND, ranks=0, code=65)
    assert "models.second.initial_sha256: in the file" in text
    program.spec.write_text(LEARN_FROM.replace("[models.second]", f'[models.second]\ninitial_sha256 = "{"0" * 64}"'))
    text = program.run(*SECOND, ranks=0, code=2)
    assert "models.second.initial_sha256 is 0000" in text and "the file has changed" in text


@pytest.mark.parametrize("spoil", [
    lambda f: f["status"].__setitem__((0, 1, 0, 0, 0), 0),
    lambda f: f["status"].__setitem__((0, 1, 0, 0, 0), 2),
    lambda f: f["weights/v"].__setitem__((0, 1, 0, 0, 0, 4, 0), 7.0),
], ids=["pending", "failed", "damaged"])
def test_weights_of_a_cell_that_is_not_done_or_damaged_are_refused(program, parent, spoil):
    with h5py.File(parent, "r+") as f:
        spoil(f)
    for text in (program("plan", program.spec, *SECOND, code=2), program("theory", program.spec, *SECOND, code=2), program.run(*SECOND, code=2)):
        assert "models.second.initial_file: " in text and "lacks the weights of first for 1 of 4 cells" in text
        assert "mixture isotropic, hardness 6, n 3" in text
    assert not program.out.exists(), "nothing was begun"


@pytest.mark.parametrize("change, words", [
    (("sweep.n=[3, 11]",), "lacks the weights of first for 2 of 4 cells"),
    (("task.d=4",), "models.second.initial_file names a file with weights of d = 3, and here task.d = 4"),
    (("models.second.initial_model='other'",), 'models.second.initial_model names "other"'),
    (("models.second.initial_file='nowhere.h5'",), "models.second.initial_file names no results file that can be read"),
    (("models.second.initial_file='spec.toml'",), "models.second.initial_file names no results file that can be read"),
])
def test_weights_that_are_not_there_are_refused(program, parent, change, words):
    settings = [word for key in change for word in ("--set", key)]
    text = program.run(*SECOND, *settings, ranks=0, code=2)
    assert words in text and not program.out.exists()


def test_a_file_without_weights_is_refused(program, parent):
    program("run", program.spec, "--output", "first.h5", "--overwrite", "--set", "models.first.keep_weights=false")
    assert "names a file without weights" in program.run(*SECOND, code=2)


def test_a_cell_that_fails_is_reported_and_tried_again(program, parent):
    # A long cell goes first; meanwhile the weights that the others begin with are others, then what they were.
    program.spec.write_text(LEARN_FROM + """
[models.slow]
architecture = "lsa"
training = "samples"
steps = 4000
""")
    both = ("--set", "sweep.models=['second', 'slow']", "--set", "sweep.mixtures='matched'", "--set", "sweep.n=3")
    run = program.start(*both, ranks=1)
    wait_until(program.out.exists)
    whole = parent.read_bytes()
    with h5py.File(parent) as f:
        place = f["weights/w"].id.get_offset()
    parent.write_bytes(whole[:place] + b"\x01" * 8 + whole[place + 8:])
    text, _ = run.communicate(timeout=120)
    assert run.returncode == 1, text
    assert "cell failed (model second" in text and "has changed since the run began" in text
    assert "1 of 2 cells done" in text and "1 failed" in text and "the same command tries them again" in text
    assert list(program.status()) == [2, 1]
    assert "failed   1" in program("status", program.out)
    parent.write_bytes(whole)
    assert "1 done before" in program.run(*both, ranks=1), "its contents are the same: what failed is tried again"
    assert list(program.status()) == [1, 1]
