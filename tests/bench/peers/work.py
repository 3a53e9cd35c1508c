"""What all peers share: the work (sizes, weights, prompts), drawn by NumPy's RandomState, whose numbers are the same in every version,
and the clock. It needs NumPy only."""
import os
import time

import numpy

SIZES = {"tiny": (3, 2, 64), "small": (6, 4, 128), "standard": (12, 8, 256)}  # layers, heads, width
D, N, TOKENS, BATCH, CHAIN = 20, 40, 8, 64, 20
POSITIONS = 2 * N + max(TOKENS, CHAIN) + 1
LEARNING_RATE = 1e-4


def seconds(call, at_least):
    """CPU seconds of a call, warm; of two calls only where nothing but that it runs is asked (`run.sh --smoke`)."""
    at_least = 0 if "COTSCALE_SMOKE" in os.environ else at_least
    call()
    start, calls = time.process_time(), 0
    while time.process_time() - start < at_least or calls < 2:
        call()
        calls += 1
    return (time.process_time() - start) / calls


def linear(rows, columns, name):
    return {f"{name}.weight": (rows, columns), f"{name}.bias": (rows,)}


def gpt2_shapes(layers, width):
    shapes = {**linear(width, D + 1, "read_in"), "positions.weight": (POSITIONS, width)}
    for i in range(layers):
        for name, rows, columns in ("attention", 3, 1), ("projection", 1, 1), ("up", 4, 1), ("down", 1, 4):
            shapes |= linear(rows * width, columns * width, f"blocks.{i}.{name}")
        for name in "ln_1", "ln_2":
            shapes |= {f"blocks.{i}.{name}.weight": (width,), f"blocks.{i}.{name}.bias": (width,)}
    return {**shapes, "ln_f.weight": (width,), "ln_f.bias": (width,), **linear(D, width, "read_out")}


def gpt2_weights(size):
    """Weights by the names that PyTorch gives them; matrices are (out, in)."""
    random = numpy.random.RandomState(1)
    layers, _, width = SIZES[size]
    weights = {}
    for name, shape in gpt2_shapes(layers, width).items():
        scale = shape[-1] ** -0.5 if len(shape) == 2 else 0.1
        weights[name] = (scale * random.standard_normal(shape) + (".ln_" in "." + name and name.endswith("weight"))).astype("float32")
    return weights


def gpt2_prompts():
    """Tokens (BATCH, 2 N + TOKENS, D + 1) and the weights that the outputs are compared with, (BATCH, 1, D)."""
    random = numpy.random.RandomState(2)
    return (random.standard_normal((BATCH, 2 * N + TOKENS, D + 1)).astype("float32"),
            random.standard_normal((BATCH, 1, D)).astype("float32"))


def normal(*shapes):
    """Normal numbers of the prompts by which peers of linear self-attention are held against each other."""
    random = numpy.random.RandomState(3)
    return [random.standard_normal(shape) for shape in shapes]


def lsa_start(d):
    """V and W of linear self-attention before training; its chain's first step is gradient descent's on least squares."""
    size = 2 * d + 2
    V, W = numpy.zeros((size, size)), numpy.zeros((size, size))
    W[:d, d + 1 : 2 * d + 1] = numpy.eye(d)
    W[d, 2 * d + 1] = -1
    return V, W
