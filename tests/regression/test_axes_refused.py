"""What cannot vary in [sweep.axes] is refused by line, with what to write instead. (Axes in general: test_axes.py.)"""

import re

import pytest

from sweeping import with_axes


@pytest.mark.parametrize("axes, words", [
    ('"models.learned.learning_rate" = [-1.0, 0.1]', [":{line}, sweep.axes: ", "models.learned.learning_rate must be positive, got -1"]),
    ('"models.learned.lerning_rate" = [1.0]', ["is no key of [models.NAME]; did you mean \"learning_rate\"?"]),
    ('"models.learned.nope" = [1.0]', ["is no key of [models.NAME] (`cotscale keys models.NAME` lists them)"]),
    ('"learning_rate" = [1.0]', ["is no key of a table"]),
    ('"sweep.n" = [1, 2]', ["is an axis of its own; set sweep.n instead"]),
    ('"sweep.record_every" = [1, 2]', ["is one for the whole file; set sweep.record_every instead"]),
    ('"test.k" = [1, 2]', ["is an axis of the results already; set test.k instead"]),
    ('"models.other.steps" = [1, 2]', ["there is no such table; no cell has it"]),
    ('"models.learned.steps" = [2, 2]', ["has the value 2 twice"]),
    ('"models.learned.optimizer" = ["gd", "adam"]', ["models.learned.momentum has an effect with optimizer", "remove it"]),
    ('"models.learned.steps" = []', ["is an empty list"]),
    ('"models.learned.steps" = { from = 1, to = 3, count = 9 }', ["differ as integers"]),
    ('"models.learned.steps" = { from = 1, to = 20000, step = 1 }', ["combinations of values; take fewer"]),
])
def test_what_cannot_vary_is_refused(program, axes, words):
    program.spec.write_text(with_axes(f"[sweep.axes]\n{axes}\n"))
    line = program.spec.read_text().split("\n").index(axes) + 1
    for command in ("plan", "theory"):
        text = program(command, program.spec, code=2)
        assert all(word.replace("{line}", str(line)) in text for word in words), text
        assert re.search(r"spec\.toml:\d+[:,]", text) or "combinations" in text, text
        assert "architecture is missing" not in text
    assert program.run(code=2).count(words[-1]) == 1
