"""What a list of stages, [[models.NAME.stages]], may be: one stage is the training without a list, and wrong ones are
refused by name."""

import numpy
import pytest

from sweeping import DIRECT, OUTCOME, TRANSFORMER, payload, run, weights, with_stages


@pytest.mark.parametrize("keys", [{}, {"training": "closed_form"}, DIRECT, OUTCOME])
def test_a_list_of_one_is_no_list(tmp_path, keys):
    one = run(tmp_path / "list", with_stages({"model": {"keep_weights": True, "stages": [keys or {"training": "population"}]}}))
    plain = run(tmp_path / "plain", with_stages({"model": {"keep_weights": True, **keys}}))
    assert set(payload(one.out)) == set(payload(plain.out))
    for name, data in payload(plain.out).items():
        assert data.tobytes() == payload(one.out)[name].tobytes(), name
    numpy.testing.assert_array_equal(weights(one), weights(plain))


@pytest.mark.parametrize("model, words", [
    ({"steps": 4, "stages": [DIRECT]}, ["models.model.steps has an effect with no stages only; remove it"]),
    ({"stages": [{**DIRECT, "steps": 0}]}, ["models.model.stages[0].steps must be at least 1, got 0"]),
    ({"stages": [DIRECT, {**DIRECT, "stps": 3}]}, ["unknown key models.model.stages[1].stps; did you mean models.model.stages[1].steps?"]),
    ({"stages": [DIRECT, {**DIRECT, "c": 2.0}]}, ["unknown key models.model.stages[1].c"]),
    ({"stages": [{**DIRECT, "mixture": "skewd"}]}, ["models.model.stages[0].mixture", 'no such mixture; did you mean "skewed"?']),
    ({"stages": [{**DIRECT, "mixture": "uniform"}]}, ["models.model.stages[0].mixture", "no table [tasks]"]),
    ({"stages": [DIRECT, {"training": "population"}]}, ["models.model.stages[1].training", "the first stage only"]),
    ({"stages": [DIRECT, {"steps": 4}]}, ["models.model.stages[1]"]),
    ({"stages": 3}, ["models.model.stages must be a list of tables: write [[models.model.stages]]"]),
    ({**TRANSFORMER, "stages": [{"objective": "direct", "examples_start": 40}]}, ["models.model.stages[0].examples_start"]),
])
def test_bad_stages_are_refused(program, model, words):
    program.spec.write_text(with_stages({"model": model}))
    for command in ("plan", "theory"):
        text = program(command, program.spec, code=2)
        for word in words:
            assert word in text, text
