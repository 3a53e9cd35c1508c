"""What a sweep has stored of a transformer is the model it has tested: PyTorch finds its errors again, on other prompts."""

import pathlib

import numpy
import pytest
import xarray

torch = pytest.importorskip("torch", reason="Debian: apt-get install --no-install-recommends python3-torch")

from cotscale_analysis.torch_model import load_gpt2  # noqa: E402  (needs torch)

torch.set_num_threads(1)

# The same 32 prompts at every step are learned by heart: after 300 steps on fresh ones the estimates would still be
# zero, and no error would depend on the weights. Hardness d is the target I.
KEYS = ("sweep.models=gpt2", "sweep.mixtures=matched", "sweep.hardness=3", "test.prompts=20000", "models.gpt2.steps=300",
        "models.gpt2.batch=32", "models.gpt2.fresh_prompts=false", "models.gpt2.learning_rate=3e-3")
D, K, PROMPTS = 3, 3, 20000


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    from conftest import GPT2_SPEC, Program

    program = Program(pathlib.Path(tmp_path_factory.mktemp("kept")))
    program.spec.write_text(GPT2_SPEC)
    program.run(*(word for key in KEYS for word in ("--set", key)), timeout=600)
    return program.out


@pytest.fixture(scope="module")
def free(tmp_path_factory):
    """Models of n = 4 that are tested on chains and prompts beyond those of their training, by their positions."""
    from conftest import Program
    from specifications import specification
    from sweeping import TRANSFORMER

    learning = {"objective": "rollout", "k_train": 2, "steps": 300, "batch": 32, "fresh_prompts": False,
                "learning_rate": 3e-3, "keep_weights": True, "weight_positions": "shared"}
    program = Program(pathlib.Path(tmp_path_factory.mktemp("free")))
    program.spec.write_text(specification(
        {positions: TRANSFORMER | learning | {"positions": positions} for positions in ("sinusoidal", "none")},
        sweep={"hardness": [3.0], "n": [4]}, task={"d": D}, test={"k": 6, "m": [4, 9], "prompts": PROMPTS}))
    program.run(timeout=600)
    return program.out


def errors_in_pytorch(model, m, steps=K):
    """‖ŵ − w‖² of fresh prompts, (PROMPTS, steps + 1)."""
    random = numpy.random.default_rng([1, m])
    x, w = random.standard_normal((PROMPTS, m, D)), random.standard_normal((PROMPTS, D))
    with torch.no_grad():
        chain = model.roll_out(x, w, steps).double().numpy()
    return ((chain - w[:, None]) ** 2).sum(-1)


def difference_in_standard_errors(stored, errors):
    spread = numpy.hypot(stored.error_stderr, errors.std(axis=0, ddof=1) / numpy.sqrt(len(errors)))
    return (errors.mean(axis=0) - stored.error_mean) / spread


# The prompt of 4 examples for the model of 8 leaves a gap in the positions.
@pytest.mark.parametrize("n, m", [(4, 4), (8, 8), (8, 4)])
def test_pytorch_finds_the_errors_of_the_file(path, n, m):
    stored = xarray.open_dataset(path).sel(n=n, m=m).squeeze().load()
    errors = errors_in_pytorch(load_gpt2(path, n=n), m)
    assert stored.error_mean.dims == ("k",) and len(stored.k) == K + 1
    assert (abs(stored.error_mean[1:] - D) > 10 * stored.error_stderr[1:]).all(), "the estimates are not zero"
    assert (abs(difference_in_standard_errors(stored, errors)) < 4).all()


@pytest.mark.parametrize("positions", ["sinusoidal", "none"])
@pytest.mark.parametrize("m", [4, 9])
def test_pytorch_finds_the_errors_beyond_training(free, positions, m):
    stored = xarray.open_dataset(free).sel(model=positions, m=m).squeeze().load()
    errors = errors_in_pytorch(load_gpt2(free, model=positions), m, steps=6)
    assert (abs(stored.error_mean[1:] - D) > 10 * stored.error_stderr[1:]).all(), "the estimates are not zero"
    assert (abs(difference_in_standard_errors(stored, errors)) < 4).all()


def test_positions_beyond_those_of_the_cell_are_not_stored(path):
    stored = xarray.open_dataset(path, group="weights").squeeze().load()
    there = {name: numpy.isfinite(stored[name].values) for name in stored["parameter"].values.tolist()}
    small, large = there.pop("wpe.weight")
    assert large.all() and small[: 2 * 4 + K].all() and not small[2 * 4 + K :].any()
    assert all(finite.all() for finite in there.values())


def test_names_and_their_order_are_those_of_the_module(path):
    names = xarray.open_dataset(path, group="weights")["parameter"].values.tolist()
    assert names == list(load_gpt2(path, n=8).state_dict())


def test_a_model_is_found_among_those_of_other_shapes(tmp_path):
    from test_kept_weights import sweep, transformer

    path = sweep(tmp_path, "both", {"a": transformer(), "b": transformer(layers=2, width=16)})
    for model, width in (("a", 8), ("b", 16)):
        assert load_gpt2(path, model=model, n=8).state_dict()["read_in.weight"].shape == (width, 5)
