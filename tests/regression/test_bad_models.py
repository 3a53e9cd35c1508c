"""Wrong models and mixtures of a specification are refused by name, with what would do, and one rank reports.
(Specifications by themselves: tests/unit/experiment/specification.cpp.)"""

import pytest

from refusing import refused_specification


@pytest.mark.parametrize("old, new, words", [
    ('"descent", ', '"decent", ', ["no [models.decent]", 'did you mean "descent"?']),
    ('"skewed", ', '"skew", ', ['did you mean "skewed"?']),
    ("0.5, 0]", "0.5, -1]", ["mixtures.mine.eigenvalues", "not positive semi-definite"]),
    ('training = "closed_form"', 'training = "samples"\nobjective = "process"', ["models.closed.k_train is missing"]),
    ('training = "closed_form"', 'training = "samples"\nmomentum = 0.5', ["models.closed.momentum", 'optimizer = "sgd" only']),
    ('training = "closed_form"', 'objective = "rollout"', ["models.closed.objective", 'needs training = "samples"']),
    ('architecture = "lsa"\ntraining', 'architecture = "gpt2"\ntraining', ["models.closed.size is missing", 'training must be "samples"']),
    ('architecture = "lsa"\ntraining = "closed_form"', 'architecture = "gpt2"\nsize = "tiny"', ["test.k is 5", "chains of its training only, 1 step;"]),
    ('training = "closed_form"', 'xyzzy = 5', ["unknown key models.closed.xyzzy; remove it (`cotscale keys models.NAME` lists all"]),
    ('training = "closed_form"', 'steps = 5', ["models.closed.steps", 'training = "samples" only']),
])
def test_a_wrong_model_or_mixture(program, old, new, words):
    refused_specification(program, old, new, words)
