"""Weights of transformers from results files."""

import shutil

import h5py
import numpy as np
import pytest

import schema
from cotscale_analysis import ResultsError

torch = pytest.importorskip("torch", reason="Debian: apt-get install --no-install-recommends python3-torch")

from cotscale_analysis import torch_model  # noqa: E402  (needs torch)
from cotscale_analysis.torch_model import load_gpt2  # noqa: E402
from gpt2_reference import CHAIN, HEADS, LAYERS, WIDTH, chain_of, model_of, random_weights, shapes  # noqa: E402

N = (4, 8)
KEPT = ("chains", "direct")
MODELS = f"""
[task]
d = {schema.D}
""" + "".join(f"""
[models.{name}]
architecture = "gpt2"
keep_weights = {"true" if name in KEPT else "false"}
size = "free"
layers = {LAYERS}
heads = {HEADS}
width = {WIDTH}
objective = "{objective}"
k_train = {CHAIN}
""" for name, objective in (("chains", "rollout"), ("direct", "direct"), ("forgotten", "rollout"))) + """
[models.lsa]
architecture = "lsa"
keep_weights = true
objective = "direct"
"""


def of_cell(index, chain):
    """The weights of the cell at that index."""
    return random_weights([*index], 2 * N[index[3]] + chain)


def dimensions(shape):
    """Names of the dimensions of a parameter."""
    return tuple(f"{kind}_{size}" for kind, size in zip(("size", "column"), shape))


def weight_dimensions(shape):
    return schema.CELL + tuple(f"weights/{dimension}" for dimension in dimensions(shape))


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A file with the weights of two models, and two models without."""

    def add_weights(file):
        file["config_toml"][()] = MODELS
        most = shapes(LAYERS, WIDTH, schema.D, 2 * max(N) + CHAIN)
        group = file.create_group("weights", track_order=True)
        group.create_dataset("parameter", data=list(most), dtype=h5py.string_dtype()).make_scale("parameter")
        for dimension in sorted({dimension for shape in most.values() for dimension in dimensions(shape)}):
            size = int(dimension.rsplit("_")[-1])
            group.create_dataset(dimension, data=np.arange(size)).make_scale(dimension)
        for name, shape in most.items():
            schema._create_variable(file, f"weights/{name}", weight_dimensions(shape), "f4", np.nan)
        for index in np.ndindex(len(KEPT), *file["status"].shape[1:]):
            for name, values in of_cell(index, (CHAIN, 1)[index[0]]).items():
                group[name][index + (slice(len(values)),)] = values

    path, models = tmp_path_factory.mktemp("weights") / "a.h5", (*KEPT, "forgotten", "lsa")
    return schema.write(path, "cotscale: some", edit=add_weights, prompts=2, models=models, n=N, m=(4,), repeats=2)


@pytest.fixture
def edited(stored, tmp_path):
    """Copies the file and changes it."""

    def copy(edit):
        path = shutil.copy(stored, tmp_path / "a.h5")
        with h5py.File(path, "r+") as file:
            edit(file)
        return path

    return copy


@pytest.mark.parametrize("engine", ["h5netcdf", "netcdf4"])
@pytest.mark.parametrize("model, chain", [("chains", CHAIN), ("direct", 1)])
@pytest.mark.parametrize("n, repeat", [(4, 0), (8, 1)])
def test_loads_the_weights_of_the_cell(stored, engine, model, chain, n, repeat):
    loaded = load_gpt2(stored, engine, model=model, mixture="matched", hardness=10, n=n, repeat=repeat)
    expected = of_cell((KEPT.index(model), 0, 0, N.index(n), repeat), chain)
    state = loaded.state_dict()
    assert list(state) == list(expected)
    for name, values in expected.items():
        np.testing.assert_array_equal(state[name], values, err_msg=name)
    assert (loaded.d, loaded.examples, loaded.chain) == (schema.D, n, chain)


def test_axes_with_a_single_value_may_be_left_out(stored):
    loaded = load_gpt2(stored, model="chains", n=np.int64(8), repeat=1)
    np.testing.assert_array_equal(loaded.state_dict()["wpe.weight"], of_cell((0, 0, 0, 1, 1), CHAIN)["wpe.weight"])


CELL = dict(model="chains", n=8, repeat=0)


def refusal(path, **selection):
    with pytest.raises(ResultsError) as refused:
        load_gpt2(path, **(CELL | selection))
    assert str(refused.value).startswith(f"{path}: ")
    return refused.value.exit_code, str(refused.value).removeprefix(f"{path}: ")


@pytest.mark.parametrize("selection, words", [
    (dict(n=9), ["no n = 9, only 4, 8"]),
    (dict(model="gpt"), ["no model = gpt, only chains, direct, forgotten, lsa"]),
    (dict(model=None), ["which model? It has chains, direct"]),
    (dict(hardness=11), ["no hardness = 11, only 10.0"]),
    (dict(k=3), ["a cell has no k", "model, mixture, hardness, n, repeat"]),
    (dict(model="lsa"), ["no weights of a transformer for model = lsa", 'architecture = "gpt2"']),
    (dict(model="forgotten"), ["no weights of a transformer for model = forgotten", "keep_weights = true"]),
])  # fmt: skip
def test_a_cell_that_is_not_there(stored, selection, words):
    exit_code, message = refusal(stored, **selection)
    assert exit_code == 2
    assert all(word in message for word in words), message


def test_a_cell_that_is_not_done(edited):
    def edit(file):
        file["status"][0, 0, 0, 1] = [0, 2]

    path = edited(edit)
    exit_code, message = refusal(path)
    assert exit_code == 2
    assert message == "the cell model = chains, mixture = matched, hardness = 10.0, n = 8, repeat = 0 is not computed yet"
    assert refusal(path, repeat=1)[1].endswith("repeat = 1 has failed")
    load_gpt2(path, **(CELL | dict(n=4)))


def test_a_model_that_has_diverged(edited):
    def edit(file):
        file["weights/h.1.mlp.c_fc.bias"][0, 0, 0, 1, 0, 5] = np.nan

    exit_code, message = refusal(edited(edit))
    assert exit_code == 2 and "has diverged: not every number of h.1.mlp.c_fc.bias is finite" in message


def replaced(old, new):
    """Puts other words into the specification."""

    def edit(file):
        assert old in MODELS
        file["config_toml"][()] = MODELS.replace(old, new)

    return edit


@pytest.mark.parametrize("edit, words", [
    (lambda file: file["weights"].pop("h.1.ln_2.bias"), "the variable h.1.ln_2.bias is missing"),
    (replaced("width = 8", "width = 16"), "read_in.weight has the shape (8, 11), not (16, 11)"),
    (replaced("layers = 2", "layers = 3"), "the variable h.2.ln_1.weight is missing"),
    (replaced("k_train = 3", "k_train = 4"), "wpe.weight has the shape (19, 8), not (20, 8)"),
    (replaced("heads = 2", "heads = 3"), "the heads must divide the width"),
    (replaced("layers = 2", ""), "config_toml lacks 'layers' for model = chains"),
    (replaced("[models.chains]", "[models.others]"), "config_toml lacks 'chains'"),
    (replaced("[task]", "[task"), "config_toml is no TOML"),
    (lambda file: file.attrs.modify("schema_version", 4), "schema version 4"),
    (lambda file: file.pop("status"), "needs the variables status"),
    (lambda file: file.attrs.modify("title", "cotscale selection: a"), "needs the variables"),
])  # fmt: skip
def test_files_that_contradict_themselves(edited, edit, words):
    exit_code, message = refusal(edited(edit))
    assert exit_code == 65
    assert words in message


def test_what_is_no_file_of_weights(tmp_path, selections, presets):
    text = tmp_path / "text.h5"
    text.write_text("hello")
    for path, (code, words) in {
        tmp_path / "none.h5": (74, "no such file"),
        text: (74, "cannot be read"),
        selections["fig3"]: (65, "holds a selection of tasks"),
        presets["fig1"]: (65, "config_toml lacks 'models'"),
    }.items():
        exit_code, message = refusal(path, model=None, hardness=10, n=20, repeat=None)
        assert exit_code == code and words in message, message


def test_the_mark_is_read_before_the_weights(edited, monkeypatch):
    path = edited(lambda file: file["status"].write_direct(np.zeros(file["status"].shape, "i1")))
    with h5py.File(path) as file:
        offset, size = file["status"].id.get_offset(), file["status"].size
    read = torch_model._weight

    def end_then_read(*arguments):
        with open(path, "r+b") as file:
            file.seek(offset)
            file.write(bytes([1]) * size)
        return read(*arguments)

    monkeypatch.setattr(torch_model, "_weight", end_then_read)
    assert refusal(path)[1].endswith("is not computed yet")
