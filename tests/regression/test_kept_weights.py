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


def of_noise(source=None, noise=(0.0, 5.0), key="task.noise", **keys):
    """Linear self-attention with an axis; from a file it takes steps that leave its weights as they are."""
    stored = {"initialisation": "stored", "initial_file": source, "initial_model": "lsa", "learning_rate": 1e-200, "optimizer": "gd"}
    model = {"training": "samples", "steps": 3, "batch": 8, "keep_weights": True, **(stored if source else {}), **keys}
    axes = {"sweep.axes": {f'"{key}"': list(noise)}} if noise else {}
    return specification({"lsa": model}, sweep={"name": "axes"}, test={"m": [8]}, **axes)


def test_weights_are_those_of_the_same_value_of_a_further_axis(program):
    program.spec.write_text(of_noise())
    program("run", program.spec, "--output", "first.h5")
    kept = weights_of(program.directory / "first.h5")["w"].values.squeeze()
    assert (kept[0] != kept[1]).any()
    for noise, places in [((5.0, 0.0), [1, 0]), ((5.0,), [1])]:
        program.spec.write_text(of_noise("first.h5", noise))
        program.run("--overwrite")
        numpy.testing.assert_array_equal(weights_of(program.out)["w"].values.reshape(-1, *kept.shape[1:]), kept[places])


def test_weights_whose_value_of_a_further_axis_is_not_there_are_refused(program):
    program.spec.write_text(of_noise())
    program("run", program.spec, "--output", "first.h5")
    for noise, words in [((0.0, 2.0), "has the axis noise without the value 2, but with 0, 5; vary noise over these in [sweep.axes]"),
                         ((), "has such cells for several values of noise, which does not vary here; vary noise in [sweep.axes]")]:
        program.spec.write_text(of_noise("first.h5", noise))
        for name, arguments in {"plan": (), "theory": (), "run": ("--output", program.out)}.items():
            text = program(name, program.spec, *arguments, code=2)
            assert words in text and "for 1 of 1 cells" in text, name
    assert not program.out.exists()


def test_an_axis_of_one_value_and_one_of_another_model_do_not_tell_cells_apart(program):
    kept = {"training": "samples", "steps": 2, "keep_weights": True}
    axes = {"sweep.axes": {'"models.other.learning_rate"': [0.001, 0.002], '"task.noise"': [0.5]}}
    program.spec.write_text(specification({"lsa": kept, "other": kept}, test={"m": [8]}, **axes))
    program("run", program.spec, "--output", "first.h5")
    program.spec.write_text(of_noise("first.h5", ()))
    program.run()
    program.spec.write_text(of_noise("first.h5", (0.001, 0.002), "models.lsa.learning_rate"))
    assert "was not asked for this cell" in program("plan", program.spec, code=2)


def test_weights_of_another_number_of_heads_are_refused(program):
    program.spec.write_text(specification({"first": transformer()}, test={"m": [8]}))
    program("run", program.spec, "--output", "first.h5")
    stored = {"initialisation": "stored", "initial_file": "first.h5", "initial_model": "first"}
    program.spec.write_text(specification({"second": transformer(heads=4, **stored)}, test={"m": [8]}))
    assert 'names "first", whose heads in first.h5 is 2, not 4' in program("plan", program.spec, code=2)


def test_all_combinations_of_varied_keys_share_one_open_file(tmp_path):
    source = sweep(tmp_path, "source", {"first": {"training": "closed_form", "keep_weights": True}})
    begin = {"training": "samples", "steps": 2, "initialisation": "stored", "initial_file": str(source), "initial_model": "first"}
    (tmp_path / "many").mkdir()
    program = Program(tmp_path / "many")
    program.spec.write_text(specification({"second": begin}, **{"sweep.axes": {'"models.second.learning_rate"': [i / 1000 for i in range(1, 101)]}}))
    assert "100 of 1 models" in program("plan", program.spec, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)))
