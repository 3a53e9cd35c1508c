"""Wrong values in a specification's sweep, task and test are refused by name, with what would do, and one rank reports.
(Specifications by themselves: tests/unit/experiment/specification.cpp.)"""

import pytest

from conftest import GPT2_SPEC
from refusing import refused_specification


@pytest.mark.parametrize("old, new, words", [
    ("prompts = 100", "promts = 100", ["spec.toml:LINE", "unknown key test.promts", "did you mean test.prompts?"]),
    ("d = 5", 'd = "five"', ["spec.toml:LINE", "task.d must be an integer"]),
    ("n = [3, 10]", "n = [0, 10]", ["sweep.n must be at least 1"]),
    ("m = [2, 20]", "m = [0]", ["test.m must be at least 1"]),
    ("prompts = 100", "prompts = 0", ["test.prompts must be at least 1"]),
    ("k = 5", "k = -1", ["test.k must be at least 0"]),
    ("hardness = [6.0, 12.0]", "hardness = [4.0]", ["sweep.hardness", "at least d = 5"]),
    ("n = [3, 10]", "n = []", ["sweep.n is an empty list"]),
    ("n = [3, 10]", "n = [3, 3]", ["sweep.n has the value 3 twice"]),
    ('"mine"]', '"selected"]', ["sweep.mixtures", "no table [tasks]"]),
])
def test_a_wrong_sweep(program, old, new, words):
    refused_specification(program, old, new, words)


def test_a_cell_beyond_the_memory_is_refused_before_anything_is_written(program):
    program.spec.write_text(GPT2_SPEC.replace("n = [4, 8]", "n = [4, 100000000]"))
    for text in (program("plan", program.spec, code=2), program("theory", program.spec, code=2), program.run(code=2)):
        assert all(word in text for word in ("n 100000000", "GB of memory by estimate, this host has")), text
    assert not program.out.exists()
