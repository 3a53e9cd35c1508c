"""Keys of transformers in whole runs."""

import numpy
import pytest
import xarray

from specifications import specification
from sweeping import TRANSFORMER


def test_results_of_one_initialisation_are_not_gone_on_with_by_another(program):
    model = TRANSFORMER | {"steps": 2, "batch": 4}
    sweep = {"test": {"k": 1, "m": [10], "prompts": 10}}
    program.spec.write_text(specification({"model": model | {"initialisation": "gpt2"}}, **sweep))
    program.run()
    program.spec.write_text(specification({"model": model}, **sweep))
    text = program.run(ranks=0, code=65)
    assert "models.model.initialisation: in the file 'gpt2', now 'fan_in'" in text


def longer(model, **test):
    """A model that is trained by `direct` on 10 examples, tested by 12 steps on 10 and 25."""
    return specification({"model": TRANSFORMER | {"steps": 3, "batch": 4} | model}, test={"k": 12, "m": [10, 25], "prompts": 40} | test)


@pytest.mark.parametrize("positions", ["learned", "sinusoidal", "none"])
def test_a_model_of_one_step_is_rolled_out_over_any_number_of_steps(program, positions):
    program.spec.write_text(longer({"weight_positions": "shared", "positions": positions}))
    program.run()
    errors = xarray.open_dataset(program.out).error_mean.squeeze().load()
    assert errors.sizes == {"m": 2, "k": 13} and numpy.isfinite(errors.sel(m=10)).all()
    assert numpy.isfinite(errors.sel(m=25)).all() == (positions != "learned"), "more examples than in training"
    assert len(numpy.unique(errors.sel(m=10))) == 13, "every step changes the estimate"


def test_what_a_model_has_no_positions_for_is_refused_with_the_key_that_helps(program):
    refused = {
        "test.k is 12, but models.model has positions for the chains of its training only, 1 step; lower it, choose an objective that "
        'has k_train, or set weight_positions = "shared"': longer({}),
        "test.m has no value up to n = 10: models.model has positions for the n examples of its training only; add one, or set its "
        'positions to "sinusoidal" or "none"': longer({"weight_positions": "shared"}, m=[25]),
        "models.model.positions must be one of learned, sinusoidal, none": longer({"positions": "fixed"}),
    }
    for words, text in refused.items():
        program.spec.write_text(text)
        for told in (program("plan", program.spec, code=2), program.run(code=2)):
            assert words in told, told
    assert not program.out.exists()


@pytest.mark.parametrize("kept, begins, words", [
    ({}, {"weight_positions": "shared"}, 'whose weight_positions in first.h5 is its default, not "shared"'),
    ({"positions": "none"}, {}, 'whose positions in first.h5 is "none", not its default'),
    ({"positions": "none"}, {"positions": "sinusoidal"}, 'whose positions in first.h5 is "none", not "sinusoidal"'),
    ({"positions": "none", "weight_positions": "shared"}, {"positions": "none", "weight_positions": "shared"}, ""),
])
def test_stored_weights_are_of_a_model_with_the_same_positions(program, kept, begins, words):
    base = TRANSFORMER | {"steps": 2, "batch": 4}
    sweep = {"test": {"k": 1, "m": [10], "prompts": 10}}
    program.spec.write_text(specification({"first": base | kept | {"keep_weights": True}}, **sweep))
    program("run", program.spec, "--output", "first.h5")
    stored = {"initialisation": "stored", "initial_file": "first.h5", "initial_model": "first"}
    program.spec.write_text(specification({"second": base | begins | stored}, **sweep))
    text = program("plan", program.spec, code=2 if words else 0)
    assert words in text
    if not words:
        program.run()


def test_stages_hand_on_weights_whatever_their_chains(program):
    direct, rollout = {"steps": 2, "batch": 4}, {"objective": "rollout", "k_train": 3, "steps": 2, "batch": 4}
    model = TRANSFORMER | {"weight_positions": "shared", "positions": "none", "stages": [direct, rollout]}
    program.spec.write_text(specification({"model": model}, test={"k": 7, "m": [10, 25], "prompts": 40}))
    program.run()
    errors = xarray.open_dataset(program.out).error_mean.squeeze().load()
    assert errors.sizes == {"stage": 2, "m": 2, "k": 8} and numpy.isfinite(errors).all()
