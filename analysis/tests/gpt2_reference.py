"""GPT-2 as it is defined, in plain code, and random weights for it."""

import numpy as np
import torch

import schema
from cotscale_analysis.torch_model import GPT2

LAYERS, HEADS, WIDTH, CHAIN = 2, 2, 8, 3


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


def position_of(weights, token, prompt_tokens, examples, positions, weight_positions):
    """What is added to a token, (C,), of a model that is trained on so many examples."""
    learned, width = weights["wpe.weight"].astype("f8"), weights["wpe.weight"].shape[1]
    if token >= prompt_tokens:
        step = token - prompt_tokens if weight_positions == "own" else 0
        return learned[(2 * examples if positions == "learned" else 0) + step]
    if positions == "learned":
        return learned[token]
    if positions == "none":
        return np.zeros(width)
    angles = [token / 10000 ** (2 * (j // 2) / width) for j in range(width)]
    return np.array([np.cos(angle) if j % 2 else np.sin(angle) for j, angle in enumerate(angles)])


def outputs(weights, tokens, positions):
    """GPT-2 as it is defined, for one prompt: tokens (T, d + 1) and their positions (T, C) to what is read out, (T, d)."""
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

    stream = [p["read_in.weight"] @ z + p["read_in.bias"] + position for z, position in zip(tokens, positions)]
    for h in range(LAYERS):
        stream = [row + attended(h, stream, t) for t, row in enumerate(stream)]
        up = [conv(f"h.{h}.mlp.c_fc", norm(f"h.{h}.ln_2", row)) for row in stream]
        stream = [row + conv(f"h.{h}.mlp.c_proj", gelu(u)) for row, u in zip(stream, up)]
    return np.array([p["read_out.weight"] @ norm("ln_f", row) + p["read_out.bias"] for row in stream])


def chain_of(weights, examples, x, w, steps, positions="learned", weight_positions="own"):
    """w_0 … w_steps of one prompt, every token anew at each step."""
    m, d = x.shape
    tokens = np.zeros((2 * m, d + 1))
    tokens[0::2, :d], tokens[1::2, 0] = x, x @ w
    chain = [np.zeros(d)]
    for step in range(steps):
        tokens = np.vstack([tokens, [*chain[-1], 1]])
        rows = [position_of(weights, t, 2 * m, examples, positions, weight_positions) for t in range(len(tokens))]
        chain.append(outputs(weights, tokens, rows)[-1])
    return np.array(chain)


def model_of(weights, examples, chain, d=schema.D, **positions):
    model = GPT2(d=d, layers=LAYERS, heads=HEADS, width=WIDTH, examples=examples, chain=chain, **positions)
    model.load_state_dict({name: torch.from_numpy(values) for name, values in weights.items()})
    return model.double()
