"""Canonical texts (`config_toml`) are as they were when they were stored in tests/pinned/texts.

A change of them is a decision: COTSCALE_RENEW_PINS=1 stores what the program says now, and fails once, so that nobody renews them unawares.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tomllib

import h5py
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from inputs import write_inputs  # noqa: E402
from presets import PRESETS, command  # noqa: E402

CANONICAL_TEXT = os.environ["CANONICAL_TEXT"]
RENEW = os.environ.get("COTSCALE_RENEW_PINS") == "1"
TEXTS = ROOT / "tests/pinned/texts"
# A choice that is read from a whole sweep is pinned as both.
SPECIFICATIONS = [*PRESETS, *sorted((ROOT / "tests/bits").glob("*.toml")), *sorted((ROOT / "tests/pinned/specifications").glob("*.toml"))]
BOTH = {"select-whole-sweep"}

# Whatever begins with stored weights begins with these; their numbers do not matter here.
WEIGHTS = """
[sweep]
models = ["kept", "direct", "rollout"]
mixtures = ["matched"]
hardness = 5.0
n = [6]
[task]
d = 4
[test]
k = 1
m = 5
prompts = 2
[theory]
draws = 0
[models.kept]
architecture = "lsa"
training = "closed_form"
keep_weights = true
[models.direct]
architecture = "lsa"
training = "closed_form"
[models.rollout]
architecture = "lsa"
training = "closed_form"
"""


def kinds(path):
    return ["run", "select"] if path.stem in BOTH else [command(path)]


def name(path, kind):
    return f"{path.parent.name}-{path.stem}-{kind}.toml"


CASES = [(path, kind) for path in SPECIFICATIONS for kind in kinds(path)]
IDS = [name(*case).removesuffix(".toml") for case in CASES]


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """All specifications, with the files that they name."""
    from conftest import Program

    program = Program(tmp_path_factory.mktemp("pinned"))
    write_inputs(program.directory)
    program.spec.write_text(WEIGHTS)
    program.run(ranks=0)
    for file in ("weights.h5", "20-objectives.h5"):
        shutil.copy(program.out, program.directory / file)
    for path in SPECIFICATIONS:
        shutil.copy(path, program.directory / f"{path.parent.name}-{path.name}")
    return program.directory


def canonical(kind, file):
    done = subprocess.run([CANONICAL_TEXT, kind, file.name], cwd=file.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.partition("\n")[2]


def pinned(text):
    """Files are written by whatever HDF5 there is, so that their digests are not pinned."""
    return re.sub(r"""(sha256 = )['"][0-9a-f]{64}['"]""", r'\1"(of the file)"', text)


@pytest.mark.parametrize("path, kind", CASES, ids=IDS)
def test_a_canonical_text_is_what_it_was(directory, path, kind):
    text = pinned(canonical(kind, directory / f"{path.parent.name}-{path.name}"))
    stored = TEXTS / name(path, kind)
    before = stored.read_text() if stored.exists() else ""
    if RENEW and text != before:
        TEXTS.mkdir(exist_ok=True)
        stored.write_text(text)
        pytest.fail(f"renewed {stored.relative_to(ROOT)}; look at the difference, then commit it")
    assert text == before, f"{stored.relative_to(ROOT)}; if the change is meant, COTSCALE_RENEW_PINS=1 stores it"


def test_no_text_is_left_over():
    assert sorted(path.name for path in TEXTS.glob("*")) == sorted(name(*case) for case in CASES)


# A choice at a hardness is for the record: the text of a choice has no place for that key.
@pytest.mark.parametrize("path, kind", [case for case in CASES if case[0].stem not in BOTH or case[1] == "run"],
                         ids=lambda value: getattr(value, "stem", value))
def test_a_canonical_text_stands_for_itself(directory, path, kind):
    """What is stored is a specification, and its canonical text is the same."""
    text = canonical(kind, directory / f"{path.parent.name}-{path.name}")
    again = directory / f"again-{name(path, kind)}"
    again.write_text(text)
    assert canonical(kind, again) == text


def test_a_results_file_holds_the_canonical_text(directory, program):
    program.run("--max-time", "0s", ranks=0, code=75)
    with h5py.File(program.out) as f:
        assert f["config_toml"][()].decode() == canonical("run", program.spec)


def leaves(table, prefix=""):
    """The keys of a parsed specification, TABLE.KEY with the names of models and mixtures left out, and their values."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from leaves(value, prefix if prefix in ("models.", "mixtures.") else f"{prefix}{key}.")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for one in value:
                yield from leaves(one, prefix)
        else:
            yield f"{prefix}{key}", value


def documented():
    """(table, key, alternatives) of the tables of docs/specification.md."""
    table = ""
    for line in (ROOT / "docs/specification.md").read_text().splitlines():
        if heading := re.match(r"<!-- keys of ([a-z]+)", line):
            table = heading[1]
        cells = re.split(r"(?<!\\)\|", line)
        if len(cells) < 5 or not cells[1].strip().startswith("`"):
            continue
        for key in re.findall(r"`(\w+)`", cells[1]):
            yield table, key, re.findall(r'"(\w+)"', cells[2])


def test_every_key_and_alternative_of_the_docs_is_pinned():
    used = {}
    for path in SPECIFICATIONS:
        for key, value in leaves(tomllib.loads(path.read_text())):
            used.setdefault(key, set()).update(map(str, value if isinstance(value, list) else [value]))
    rows = list(documented())
    assert len(rows) > 70
    computed = {"sha256", "rows_sha256", "initial_sha256"}  # they are in the texts; nobody writes them
    missing = [(table, key) for table, key, _ in rows if key not in computed and f"{table}.{key}" not in used]
    lacking = [(table, key, word) for table, key, words in rows for word in words if word not in used.get(f"{table}.{key}", ())]
    assert not missing and not lacking
    built_in = {"matched", "isotropic", "skewed", "selected", "exact", "uniform", "easy", "hard", "relevant"}
    assert built_in <= used["sweep.mixtures"]
