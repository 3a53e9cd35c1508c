"""Keys of transformers in whole runs."""

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
