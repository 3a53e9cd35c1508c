import shutil
import subprocess
import sys

import h5py
import numpy as np
import pytest

import schema
from cotscale_analysis import ResultsError

torch = pytest.importorskip("torch", reason="Debian: apt-get install --no-install-recommends python3-torch")

from cotscale_analysis import torch_model  # noqa: E402  (needs torch)
from cotscale_analysis.torch_model import GPT2, load_gpt2  # noqa: E402

LAYERS, HEADS, WIDTH, CHAIN = 2, 2, 8, 3
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


def shapes(layers, width, d, positions):
    """Name to shape, in the order of include/cotscale/model/gpt2.hpp."""
    of_block = {
        "ln_1.weight": (width,), "ln_1.bias": (width,),
        "attn.c_attn.weight": (width, 3 * width), "attn.c_attn.bias": (3 * width,),
        "attn.c_proj.weight": (width, width), "attn.c_proj.bias": (width,),
        "ln_2.weight": (width,), "ln_2.bias": (width,),
        "mlp.c_fc.weight": (width, 4 * width), "mlp.c_fc.bias": (4 * width,),
        "mlp.c_proj.weight": (4 * width, width), "mlp.c_proj.bias": (width,),
    }  # fmt: skip
    first = {"read_in.weight": (width, d + 1), "read_in.bias": (width,), "wpe.weight": (positions, width)}
    blocks = {f"h.{layer}.{name}": shape for layer in range(layers) for name, shape in of_block.items()}
    last = {"ln_f.weight": (width,), "ln_f.bias": (width,), "read_out.weight": (d, width), "read_out.bias": (d,)}
    return first | blocks | last


def random_weights(seed, positions, d=schema.D):
    """Large enough that no part is idle."""
    random = np.random.default_rng(seed)
    weights = {name: random.normal(0, 0.3, shape) for name, shape in shapes(LAYERS, WIDTH, d, positions).items()}
    return {name: (values + ("ln_" in name and "weight" in name)).astype("f4") for name, values in weights.items()}


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


def outputs(weights, tokens, positions):
    """GPT-2 as it is defined, for one prompt: tokens (T, d + 1) to what is read out at each, (T, d)."""
    p = {name: values.astype("f8") for name, values in weights.items()}

    def norm(name, row):
        return (row - row.mean()) / np.sqrt(row.var() + 1e-5) * p[f"{name}.weight"] + p[f"{name}.bias"]

    def conv(name, row):
        return row @ p[f"{name}.weight"] + p[f"{name}.bias"]

    def gelu(row):
        return 0.5 * row * (1 + np.tanh(np.sqrt(2 / np.pi) * (row + 0.044715 * row**3)))

    def attended(h, stream, t):
        qkv = [conv(f"h.{h}.attn.c_attn", norm(f"h.{h}.ln_1", row)).reshape(3, HEADS, -1) for row in stream[: t + 1]]
        out = []
        for head in range(HEADS):
            q = qkv[t][0, head]
            scores = np.array([np.exp(q @ k[head] / np.sqrt(len(q))) for _, k, _ in qkv])
            out.append(sum(s * v[head] for s, (_, _, v) in zip(scores / scores.sum(), qkv)))
        return conv(f"h.{h}.attn.c_proj", np.concatenate(out))

    stream = [p["read_in.weight"] @ z + p["read_in.bias"] + p["wpe.weight"][i] for z, i in zip(tokens, positions)]
    for h in range(LAYERS):
        stream = [row + attended(h, stream, t) for t, row in enumerate(stream)]
        up = [conv(f"h.{h}.mlp.c_fc", norm(f"h.{h}.ln_2", row)) for row in stream]
        stream = [row + conv(f"h.{h}.mlp.c_proj", gelu(u)) for row, u in zip(stream, up)]
    return np.array([p["read_out.weight"] @ norm("ln_f", row) + p["read_out.bias"] for row in stream])


def chain_of(weights, examples, x, w, steps):
    """w_0 … w_steps of one prompt, every token anew at each step."""
    m, d = x.shape
    tokens = np.zeros((2 * m, d + 1))
    tokens[0::2, :d], tokens[1::2, 0] = x, x @ w
    chain = [np.zeros(d)]
    for step in range(steps):
        tokens = np.vstack([tokens, [*chain[-1], 1]])
        positions = [*range(2 * m), *range(2 * examples, 2 * examples + step + 1)]
        chain.append(outputs(weights, tokens, positions)[-1])
    return np.array(chain)


def model_of(weights, examples, chain, d=schema.D):
    model = GPT2(d=d, layers=LAYERS, heads=HEADS, width=WIDTH, examples=examples, chain=chain)
    model.load_state_dict({name: torch.from_numpy(values) for name, values in weights.items()})
    return model.double()


@pytest.mark.parametrize("m", [8, 5, 1])
def test_a_roll_out_is_as_the_model_is_defined(m):
    weights, random = random_weights(1, 2 * 8 + CHAIN), np.random.default_rng(2)
    x, w = random.standard_normal((3, m, schema.D)), random.standard_normal((3, schema.D))
    expected = np.array([chain_of(weights, 8, *prompt, CHAIN) for prompt in zip(x, w)])
    with torch.no_grad():
        model = model_of(weights, 8, CHAIN)
        found = model.roll_out(x, w, CHAIN).numpy()
        given = model(x, np.einsum("bmd,bd->bm", x, w), found[:, :-1]).numpy()
    assert np.ptp(expected[:, 1:]) > 0.5, "no part is idle"
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(given, expected[:, 1:], rtol=1e-10, atol=1e-12)


def test_a_shorter_roll_out_is_the_beginning_of_a_longer_one():
    model, random = model_of(random_weights(1, 2 * 8 + CHAIN), 8, CHAIN), np.random.default_rng(2)
    x, w = random.standard_normal((3, 8, schema.D)), random.standard_normal((3, schema.D))
    longest = model.roll_out(x, w, CHAIN)
    for steps in range(CHAIN):
        torch.testing.assert_close(model.roll_out(x, w, steps), longest[:, : steps + 1])


def test_names_and_shapes_are_those_of_the_file():
    model = GPT2(d=3, layers=12, heads=8, width=64, examples=5, chain=2)
    found = {name: tuple(values.shape) for name, values in model.state_dict().items()}
    expected = shapes(12, 64, 3, 12)
    assert found == expected and list(found) == list(expected)


def test_initial_values_are_those_of_gpt2():
    state = GPT2(d=20, layers=2, heads=4, width=128, examples=50, chain=20).state_dict()
    for name, values in state.items():
        if values.ndim == 1:
            assert (values == name.endswith("weight")).all(), name
        else:
            scale = 0.02 / np.sqrt(4) if "c_proj" in name else 0.02
            assert 0.9 * scale < values.std() < 1.1 * scale, name


def test_it_learns():
    torch.manual_seed(1)
    model = GPT2(d=2, layers=1, heads=1, width=8, examples=3, chain=2)
    x, w = torch.randn(16, 3, 2), torch.randn(16, 2)
    adam, losses = torch.optim.Adam(model.parameters(), lr=0.01), []
    for _ in range(60):
        adam.zero_grad()
        loss = ((model.roll_out(x, w, 2)[:, 1:] - w[:, None]) ** 2).sum(-1).mean()
        loss.backward()
        adam.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("examples, m, steps", [(8, 9, 1), (8, 8, CHAIN + 1)])
def test_it_has_no_positions_beyond_those_of_its_training(examples, m, steps):
    model = model_of(random_weights(1, 2 * examples + CHAIN), examples, CHAIN)
    with pytest.raises(ValueError, match=f"8 examples and chains of 3 steps, not for {m} and {steps}"):
        model.roll_out(np.ones((1, m, schema.D)), np.ones((1, schema.D)), steps)


@pytest.mark.parametrize("shape", [dict(heads=3), dict(layers=0), dict(chain=0)])
def test_impossible_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="GPT2: "):
        GPT2(**(dict(d=3, layers=1, heads=2, width=8, examples=5, chain=2) | shape))


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


def test_the_package_works_without_torch():
    code = """
import sys
sys.modules["torch"] = None
import cotscale_analysis
try:
    import cotscale_analysis.torch_model
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "torch_model needs PyTorch" in done.stdout and not done.stderr


def test_the_package_does_not_import_torch():
    code = "import cotscale_analysis, cotscale_analysis.__main__, sys; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
