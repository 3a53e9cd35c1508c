"""What a sweep keeps of its models: variables by name, whatever their shapes, and where another training begins."""

import resource

import numpy
import xarray

from conftest import Program
from specifications import specification


def transformer(**keys):
    return {"architecture": "gpt2", "size": "free", "layers": 1, "heads": 2, "width": 8, "objective": "rollout", "k_train": 3,
            "steps": 3, "batch": 8, "keep_weights": True, **keys}


def sweep(directory, name, models):
    folder = directory / name
    folder.mkdir()
    program = Program(folder)
    program.spec.write_text(specification(models, test={"m": [8]}, sweep={"n": [8, 10]}))
    program.run(timeout=600)
    return program.out


def weights_of(path):
    return xarray.open_dataset(path, group="weights").load()


def test_training_begins_with_the_parameters_of_a_file(tmp_path):
    source = sweep(tmp_path, "source", {"first": transformer(learning_rate=0.01)})
    stored = {"initialisation": "stored", "initial_file": str(source), "initial_model": "first"}
    still = sweep(tmp_path, "still", {"second": transformer(learning_rate=1e-30, **stored)})
    own = sweep(tmp_path, "own", {"second": transformer(learning_rate=1e-30)})
    kept, again, others = weights_of(source), weights_of(still), weights_of(own)
    for name in kept["parameter"].values.tolist():
        numpy.testing.assert_array_equal(again[name].values, kept[name].values, err_msg=name)
    assert (others["read_in.weight"].values != kept["read_in.weight"].values).any()


def test_a_file_of_another_shape_is_refused(tmp_path):
    source = sweep(tmp_path, "source", {"first": transformer()})
    stored = {"initialisation": "stored", "initial_file": str(source), "initial_model": "first"}
    program = Program(tmp_path)
    program.spec.write_text(specification({"second": transformer(width=16, **stored)}, test={"m": [8]}))
    text = program.run(code=2)
    assert "no parameter read_in.weight of the shape (16, 5)" in text


def test_a_file_with_too_few_positions_is_refused_in_these_words(tmp_path):
    source = sweep(tmp_path, "source", {"first": transformer()})
    stored = {"initialisation": "stored", "initial_file": str(source), "initial_model": "first"}
    program = Program(tmp_path)
    program.spec.write_text(specification({"second": transformer(k_train=4, **stored)}, test={"m": [8]}, sweep={"n": [8]}))
    text = program.run(code=2)
    assert "has fewer than 20 rows of wpe.weight" in text and "same k_train" in text and "not kept" not in text


def test_transformers_of_several_shapes_are_kept_in_one_file(tmp_path):
    path = sweep(tmp_path, "both", {"a": transformer(), "b": transformer(layers=2, width=16)})
    weights = weights_of(path)
    assert weights["a.read_in.weight"].shape[-2:] == (8, 5) and weights["b.read_in.weight"].shape[-2:] == (16, 5)
    assert numpy.isnan(weights["a.read_in.weight"].values[1]).all(), "that of the other model"
    alone = sweep(tmp_path, "alone", {"b": transformer(layers=2, width=16)})
    numpy.testing.assert_array_equal(
        weights["b.h.1.mlp.c_fc.weight"].values[1], weights_of(alone)["h.1.mlp.c_fc.weight"].values[0])


def test_all_combinations_of_varied_keys_share_one_open_file(tmp_path):
    source = sweep(tmp_path, "source", {"first": {"training": "closed_form", "keep_weights": True}})
    begin = {"training": "samples", "steps": 2, "initialisation": "stored", "initial_file": str(source), "initial_model": "first"}
    (tmp_path / "many").mkdir()
    program = Program(tmp_path / "many")
    program.spec.write_text(specification({"second": begin}, **{"sweep.axes": {'"models.second.learning_rate"': [i / 1000 for i in range(1, 101)]}}))
    assert "100 of 1 models" in program("plan", program.spec, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)))
