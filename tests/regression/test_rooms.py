"""Nobody but a model's own files and the factory asks which architecture a model is."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
QUESTION = re.compile(r"architecture_kind|gpt2|\blsa\b|\blsa_|_lsa\b|transformer(?!s? )", re.IGNORECASE)
COMMENT = re.compile(r"//.*|\.(example|otherwise|help) = \".*?[^\\]\"")  # and what a key says to its user

# What belongs to an architecture: its folder, its passes, and its samples.
OWN = re.compile(
    r"src/app/|(src|include/cotscale)/config/|src/architecture/(lsa|gpt2|softmax)/|include/cotscale/architecture/(lsa|gpt2|softmax)\.hpp"
    r"|(src|include/cotscale)/model/|(src|include/cotscale)/(train|eval)/(gpt2|lsa|softmax)\w*\.[ch]pp"
)
# The one place that knows all of them.
FACTORY = {"src/experiment/models.cpp"}
# Left to be emptied: LSA's own trainings and roll-outs, which stand under other names; keys that a table of a model has.
LEFT = {
    "include/cotscale/eval/roll_out.hpp",
    "include/cotscale/experiment/specification.hpp",
    "include/cotscale/train/keys.hpp",
    "include/cotscale/train/population.hpp",
    "include/cotscale/train/sampled.hpp",
    "src/eval/roll_out.cpp",
    "src/experiment/model_keys.cpp",
    "src/experiment/specification.cpp",
    "src/train/population.cpp",
    "src/train/sampled.cpp",
}


def asking():
    found = set()
    for folder in ("src", "include"):
        for path in (ROOT / folder).rglob("*.[ch]pp"):
            name = path.relative_to(ROOT).as_posix()
            if OWN.match(name) or name in FACTORY:
                continue
            lines = (COMMENT.sub("", line) for line in path.read_text().splitlines())
            if any(QUESTION.search(line) for line in lines):
                found.add(name)
    return found


def test_nobody_else_asks():
    assert asking() - LEFT == set()


def test_the_list_of_exceptions_has_no_more_than_there_are():
    assert LEFT - asking() == set()
