"""`gpt2_jax.py tiny|small|standard steps|chain|check`: the work of gpt2.py as a researcher writes it in JAX, one thread: a step of Adam as
one compiled function that reuses its arguments' memory, and roll-outs as a compiled scan with a cache of fixed size.

Prints CPU milliseconds (of a roll-out with a cache only), or the numbers of gpt2.py's `checked`.
"""
import math
import sys

from one_core import jax, jnp, lax
from work import BATCH, CHAIN, D, LEARNING_RATE, N, POSITIONS, SIZES, TOKENS, gpt2_prompts, gpt2_weights, seconds

size, what = sys.argv[1:]
LAYERS, HEADS, WIDTH = SIZES[size]


def linear(weights, name, x):
    return x @ weights[f"{name}.weight"] + weights[f"{name}.bias"]


def layer_norm(weights, name, x):
    x = x - x.mean(-1, keepdims=True)
    return x * lax.rsqrt((x**2).mean(-1, keepdims=True) + 1e-5) * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def attention(q, k, v, seen):
    scores = jnp.einsum("bqhc,bkhc->bhqk", q, k) / math.sqrt(WIDTH // HEADS)
    return jnp.einsum("bhqk,bkhc->bqhc", jax.nn.softmax(jnp.where(seen, scores, -jnp.inf), axis=-1), v)


def block(weights, i, x, cache=None, start=0):
    """The block's output, and the cache with the keys and values of x's tokens at `start`."""
    name = f"blocks.{i}."
    B, T, _ = x.shape
    projected = linear(weights, name + "attention", layer_norm(weights, name + "ln_1", x))
    q, k, v = (part.reshape(B, T, HEADS, -1) for part in jnp.split(projected, 3, 2))
    if cache is not None:
        k, v = cache = tuple(lax.dynamic_update_slice(kept, new, (0, start, 0, 0)) for kept, new in zip(cache, (k, v)))
    seen = jnp.arange(k.shape[1]) <= start + jnp.arange(T)[:, None]
    x = x + linear(weights, name + "projection", attention(q, k, v, seen).reshape(B, T, WIDTH))
    up = linear(weights, name + "up", layer_norm(weights, name + "ln_2", x))
    return x + linear(weights, name + "down", jax.nn.gelu(up, approximate=True)), cache


def model(weights, tokens, caches=None, start=0, last=None):
    """Outputs of the last so many tokens, and the caches."""
    positions = lax.dynamic_slice_in_dim(weights["positions.weight"], start, tokens.shape[1])
    x = linear(weights, "read_in", tokens) + positions
    after = []
    for i in range(LAYERS):
        x, cache = block(weights, i, x, None if caches is None else caches[i], start)
        after.append(cache)
    return linear(weights, "read_out", layer_norm(weights, "ln_f", x if last is None else x[:, -last:])), after


def loss_of(weights, tokens, w):
    return 0.5 * ((model(weights, tokens, last=TOKENS)[0] - w) ** 2).sum(-1).mean()


def adam(state, tokens, w):
    """A step; the loss and its gradient before it."""
    weights, mean, square, steps = state
    loss, gradient = jax.value_and_grad(loss_of)(weights, tokens, w)
    steps = steps + 1
    mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, mean, gradient)
    square = jax.tree.map(lambda s, g: 0.999 * s + 0.001 * g * g, square, gradient)
    rate, root = LEARNING_RATE / (1 - 0.9**steps), jnp.sqrt(1 - 0.999**steps)
    weights = jax.tree.map(lambda p, m, s: p - rate * m / (jnp.sqrt(s) / root + 1e-8), weights, mean, square)
    return (weights, mean, square, steps), loss, gradient


def weight_token(estimate):
    return jnp.concatenate([estimate, jnp.ones((BATCH, 1, 1))], 2)


@jax.jit
def cached(weights, prompt):
    empty = jnp.zeros((BATCH, POSITIONS, HEADS, WIDTH // HEADS))
    tokens = jnp.concatenate([prompt, weight_token(jnp.zeros((BATCH, 1, D)))], 1)
    begun = model(weights, tokens, [(empty, empty)] * LAYERS, last=1)

    def go_on(before, start):
        return model(weights, weight_token(before[0]), before[1], start), None

    return lax.scan(go_on, begun, 2 * N + jnp.arange(1, CHAIN))[0][0]


def main():
    tokens, w = map(jnp.asarray, gpt2_prompts())
    matrices = {name: values.T if values.ndim == 2 and name != "positions.weight" else values for name, values in gpt2_weights(size).items()}
    weights = jax.tree.map(jnp.asarray, matrices)
    prompt = tokens[:, : 2 * N]
    if what == "chain":
        print(1e3 * seconds(lambda: cached(weights, prompt).block_until_ready(), 1))
        return
    state = weights, jax.tree.map(jnp.zeros_like, weights), jax.tree.map(jnp.zeros_like, weights), jnp.int32(0)
    if what == "steps":
        compiled = jax.jit(lambda state, *data: adam(state, *data)[:2], donate_argnums=0)

        def step():
            nonlocal state
            state, loss = compiled(state, tokens, w)
            return loss.block_until_ready()

        print(1e3 * seconds(step, 2))
        return
    compiled, end = jax.jit(adam), jnp.linalg.norm(cached(weights, prompt))
    state, first, gradient = compiled(state, tokens, w)
    norm = jnp.sqrt(sum((g**2).sum() for g in jax.tree.leaves(gradient)))
    state, second, _ = compiled(state, tokens, w)
    print(float(end), float(first), float(norm), float(second), float(compiled(state, tokens, w)[1]))


main()
