"""Our GPT-2-style model is PyTorch's: outputs, every gradient, steps of Adam, roll-outs."""

import math
import os
import subprocess

import numpy
import pytest

torch = pytest.importorskip("torch", reason="Debian: apt-get install --no-install-recommends python3-torch")
F = torch.nn.functional
torch.set_num_threads(1)

LAYERS, HEADS, WIDTH = 3, 2, 64  # as in tests/support/gpt2_dump.cpp
D, N, STEPS, BATCH, ETA = 5, 10, 4, 12, 0.4
KINDS = ["direct", "process", "process_gd", "outcome", "rollout", "trajectory"]


POSITIONS = [(p, w) for p in ("learned", "sinusoidal", "none") for w in ("own", "shared")]
DEFAULT = POSITIONS[0]


def dump(*words):
    return subprocess.run([os.environ["GPT2_DUMP"], *map(str, words)], check=True, capture_output=True, text=True).stdout


def choice(positions):
    return [f"positions={positions[0]}", f"weight_positions={positions[1]}"]


def layout_of(positions):
    """Name → (offset, shape)."""
    lines = (line.split() for line in dump(*choice(positions), "layout").splitlines())
    return {name: (int(offset), tuple(map(int, shape))) for name, offset, *shape in lines}


@pytest.fixture(scope="module")
def layout():
    return layout_of(DEFAULT)


@pytest.fixture
def directory(tmp_path, layout):
    return with_parameters(tmp_path, layout)


def with_parameters(tmp_path, layout):
    """With parameters: GPT-2's initial ones and noise, so that no part is idle. Single precision holds them."""
    size = sum(math.prod(shape) for _, shape in layout.values())
    values = numpy.random.default_rng(1).normal(0, 0.1, size)
    for name, (offset, shape) in layout.items():
        if "ln_" in name and name.endswith("weight"):
            values[offset : offset + shape[0]] += 1
    values.astype(numpy.float32).astype(float).tofile(tmp_path / "parameters")
    return tmp_path


def read(directory, name, *shape, dtype=torch.double):
    return torch.from_numpy(numpy.fromfile(directory / name)).to(dtype).reshape(shape or -1)


def named_parameters(directory, layout, dtype):
    values = read(directory, "parameters", dtype=dtype)
    return {
        name: values[offset : offset + math.prod(shape)].reshape(shape).clone().requires_grad_()
        for name, (offset, shape) in layout.items()
    }


def block(p, prefix, x):
    def norm(name, x):
        return F.layer_norm(x, (WIDTH,), p[f"{prefix}.{name}.weight"], p[f"{prefix}.{name}.bias"])

    def conv1d(name, x):
        return x @ p[f"{prefix}.{name}.weight"] + p[f"{prefix}.{name}.bias"]

    B, T, _ = x.shape
    q, k, v = (part.view(B, T, HEADS, -1).transpose(1, 2) for part in conv1d("attn.c_attn", norm("ln_1", x)).split(WIDTH, 2))
    scores = q @ k.transpose(-2, -1) / math.sqrt(WIDTH // HEADS)
    scores = scores.masked_fill(torch.ones(T, T, dtype=torch.bool).triu(1), float("-inf"))
    attended = (scores.softmax(-1) @ v).transpose(1, 2).reshape(B, T, WIDTH)
    x = x + conv1d("attn.c_proj", attended)
    return x + conv1d("mlp.c_proj", F.gelu(conv1d("mlp.c_fc", norm("ln_2", x)), approximate="tanh"))


def position_rows(p, count, positions):
    """What is added to 2n tokens of examples and those behind them, (count, C)."""
    rows, steps = p["wpe.weight"], count - 2 * N
    if positions[0] == "learned":
        examples, weights = rows[: 2 * N], rows[2 * N :]
    else:
        examples, weights = torch.zeros(2 * N, WIDTH, dtype=rows.dtype), rows
        if positions[0] == "sinusoidal":
            angles = torch.outer(torch.arange(2 * N), 10000.0 ** (-torch.arange(0, WIDTH, 2) / WIDTH).double())
            examples[:, 0::2], examples[:, 1::2] = angles.sin(), angles.cos()
    return torch.cat([examples, weights[:steps] if positions[1] == "own" else weights.expand(steps, WIDTH)])


def forward(p, tokens, positions):
    """tokens (B, T, d + 1) → what is read out at each, (B, T, d)."""
    x = F.linear(tokens, p["read_in.weight"], p["read_in.bias"]) + position_rows(p, tokens.shape[1], positions)
    for layer in range(LAYERS):
        x = block(p, f"h.{layer}", x)
    x = F.layer_norm(x, (WIDTH,), p["ln_f.weight"], p["ln_f.bias"])
    return F.linear(x, p["read_out.weight"], p["read_out.bias"])


def prompts(directory, dtype):
    x = read(directory, "x", BATCH, D, N, dtype=dtype).transpose(1, 2)
    y = read(directory, "y", BATCH, N, dtype=dtype)
    w = read(directory, "w", BATCH, D, dtype=dtype)
    return x, y, w


def example_tokens(x, y):
    tokens = torch.zeros(BATCH, 2 * N, D + 1, dtype=x.dtype)
    tokens[:, 0::2, :D] = x
    tokens[:, 1::2, 0] = y
    return tokens


def weight_token(estimate):
    return torch.cat([estimate, torch.ones_like(estimate[:, :1])], 1)[:, None]


def outputs(p, kind, x, y, w, positions=DEFAULT):
    """ŵ_1, … (k, B, d), and what they should be."""
    tokens, zero = example_tokens(x, y), torch.zeros_like(w)
    if kind.startswith("process"):
        chain = [zero]
        for _ in range(STEPS):
            change = w - chain[-1]
            if kind == "process_gd":
                change = torch.einsum("bni,bnj,bj->bi", x, x, change) / N
            chain.append(chain[-1] + ETA * change)
        out = forward(p, torch.cat([tokens] + [weight_token(e) for e in chain[:-1]], 1), positions)[:, 2 * N :]
        return out.transpose(0, 1), torch.stack(chain[1:])
    estimate, found = zero, []
    for _ in range(1 if kind == "direct" else STEPS):
        tokens = torch.cat([tokens, weight_token(estimate)], 1)
        found.append(forward(p, tokens, positions)[:, -1])
        estimate = found[-1].detach() if kind == "rollout" else found[-1]
    return torch.stack(found), w.expand(len(found), BATCH, D)


def loss_of(found, targets, kind):
    squares = 0.5 * ((found - targets) ** 2).sum(-1).mean(1)
    return squares[-1] if kind == "outcome" else squares.mean()


def prefix_loss(p, x, y, w, positions):
    """Mean over i of ½‖ŵ(y_i) − w‖², read out at the labels."""
    found = forward(p, example_tokens(x, y), positions)[:, 1::2]
    return 0.5 * ((found - w[:, None]) ** 2).sum(-1).mean()


def relative_distance(a, b):
    return ((a - b).norm() / b.norm()).item()


@pytest.mark.parametrize("positions, prefix_weight", [*((p, 0) for p in POSITIONS), (DEFAULT, 0.7), (POSITIONS[-1], 0.7)])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("precision, tolerance", [("float", 1e-5), ("double", 1e-10)])
def test_outputs_and_gradients_are_those_of_pytorch(tmp_path, kind, precision, tolerance, positions, prefix_weight):
    layout = layout_of(positions)
    directory = with_parameters(tmp_path, layout)
    dump(*choice(positions), "gradient", directory, precision, kind, prefix_weight)
    p = named_parameters(directory, layout, torch.double)
    x, y, w = prompts(directory, torch.double)
    found, targets = outputs(p, kind, x, y, w, positions)
    loss = loss_of(found, targets, kind)
    (loss + prefix_weight * prefix_loss(p, x, y, w, positions)).backward()
    assert relative_distance(read(directory, "outputs", len(found), BATCH, D), found) < tolerance
    assert abs(read(directory, "loss").item() / loss.item() - 1) < tolerance
    gradient = read(directory, "gradient")
    for name, (offset, shape) in layout.items():
        ours = gradient[offset : offset + math.prod(shape)].reshape(shape)
        assert relative_distance(ours, p[name].grad) < tolerance, name


@pytest.mark.parametrize("kind", ["process", "process_gd"])
def test_two_hundred_steps_of_adam_follow_pytorch(directory, layout, kind):
    dump("adam", directory, kind, 200)
    p = named_parameters(directory, layout, torch.float)
    x, y, w = prompts(directory, torch.float)
    adam = torch.optim.Adam(p.values(), lr=1e-5)
    losses = []
    for _ in range(200):
        adam.zero_grad()
        loss = loss_of(*outputs(p, kind, x, y, w), kind)
        loss.backward()
        adam.step()
        losses.append(loss.item())
    ours = read(directory, "losses").numpy()
    assert 1e-3 < losses[-1] < 0.5 * losses[0], "it learns, and not by heart"
    numpy.testing.assert_allclose(ours, losses, rtol=1e-3)


def test_roll_outs_are_those_of_pytorch(directory, layout):
    dump("roll_out", directory)
    p = named_parameters(directory, layout, torch.double)
    x, y, w = prompts(directory, torch.double)
    with torch.no_grad():
        found, _ = outputs(p, "outcome", x, y, w)
    expected = torch.cat([(w**2).sum(-1)[None], ((found - w) ** 2).sum(-1)])
    assert relative_distance(read(directory, "errors", STEPS + 1, BATCH), expected) < 1e-5
