"""GPT-2-style models of the package, against plain code."""

import subprocess
import sys

import numpy as np
import pytest

import schema

torch = pytest.importorskip("torch", reason="Debian: apt-get install --no-install-recommends python3-torch")

from cotscale_analysis.torch_model import GPT2  # noqa: E402  (needs torch)
from gpt2_reference import CHAIN, HEADS, LAYERS, WIDTH, chain_of, model_of, random_weights, shapes  # noqa: E402


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


# Beyond the prompts and chains of training where that is possible.
@pytest.mark.parametrize("positions, m", [("learned", 7), ("sinusoidal", 11), ("none", 11)])
@pytest.mark.parametrize("weight_positions, steps", [("own", CHAIN), ("shared", CHAIN + 2)])
def test_positions_are_as_they_are_defined(positions, m, weight_positions, steps):
    rows = (16 if positions == "learned" else 0) + (CHAIN if weight_positions == "own" else 1)
    weights, random = random_weights(1, rows), np.random.default_rng(2)
    x, w = random.standard_normal((2, m, schema.D)), random.standard_normal((2, schema.D))
    chosen = {"positions": positions, "weight_positions": weight_positions}
    expected = np.array([chain_of(weights, 8, *prompt, steps, **chosen) for prompt in zip(x, w)])
    with torch.no_grad():
        found = model_of(weights, 8, CHAIN, **chosen).roll_out(x, w, steps).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


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


FAN_IN = {"read_in": 1 / np.sqrt(128), "wpe": 0.05, "attn.c_attn": 1 / np.sqrt(128), "attn.c_proj": 1 / np.sqrt(4 * 128),
          "mlp.c_fc": 1 / np.sqrt(128), "mlp.c_proj": 1 / np.sqrt(4 * 512), "read_out": 0.02}  # fmt: skip
AS_GPT2 = {name: 0.01 if "c_proj" in name else 0.02 for name in FAN_IN}


@pytest.mark.parametrize("initialisation, deviations", [("fan_in", FAN_IN), ("gpt2", AS_GPT2)])
def test_initial_values_have_the_moments_of_cotscale(initialisation, deviations):
    torch.manual_seed(1)
    model = GPT2(d=20, layers=2, heads=4, width=128, examples=50, chain=20, initialisation=initialisation)
    for name, values in model.state_dict().items():
        if values.ndim == 1:
            assert (values == name.endswith("weight")).all(), name
        else:
            deviation = deviations[name.split(".", 2)[-1 if name[0] == "h" else 0].removesuffix(".weight")]
            assert abs(values.mean()) < 5 * deviation / np.sqrt(values.numel()), name
            assert abs(values.std() / deviation - 1) < 5 / np.sqrt(2 * values.numel()), name


def test_fan_in_is_the_default():
    torch.manual_seed(1)
    default = GPT2(d=3, layers=1, heads=2, width=8, examples=5)
    torch.manual_seed(1)
    named = GPT2(d=3, layers=1, heads=2, width=8, examples=5, initialisation="fan_in")
    assert all(torch.equal(a, b) for a, b in zip(default.parameters(), named.parameters()))


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


@pytest.mark.parametrize("shape", [dict(heads=3), dict(layers=0), dict(chain=0), dict(initialisation="random"),
                                   dict(positions="fixed"), dict(weight_positions="none")])  # fmt: skip
def test_impossible_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="GPT2: "):
        GPT2(**(dict(d=3, layers=1, heads=2, width=8, examples=5, chain=2) | shape))


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
