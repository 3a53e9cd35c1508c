"""`lsa_adam_jax.py d n batch`: the work of lsa_adam.py in JAX, one thread: a prompt's loss, mapped over the batch, and a step of Adam with
its random numbers as one compiled function that reuses its arguments' memory. Prints the same; of JAX's two generators the faster counts."""
import sys

import work
from one_core import jax, jnp

jax.config.update("jax_enable_x64", True)
d, n, batch = map(int, sys.argv[1:])
D = 2 * d + 2


def loss_of_prompt(V, W, x, w):
    E = jnp.zeros((D, n + 1), x.dtype).at[:d, :n].set(x.T).at[d, :n].set(x @ w).at[D - 1, n].set(1)
    last = E[:, -1]
    out = last + V @ (E @ (E.T @ (W @ last))) / n
    return 0.5 * ((out[d + 1 : 2 * d + 1] - w) ** 2).sum()


def loss_of(parameters, x, w):
    return jax.vmap(loss_of_prompt, (None, None, 0, 0))(*parameters, x, w).mean()


def draw(key, dtype):
    to_x, to_w = jax.random.split(key)
    return jax.random.normal(to_x, (batch, n, d), dtype), jax.random.normal(to_w, (batch, d), dtype)


def adam(state, x, w):
    """A step; the loss before it and its gradient's norm."""
    parameters, mean, square, steps = state
    loss, (V, W) = jax.value_and_grad(loss_of)(parameters, x, w)
    gradient = V, W.at[d, 2 * d + 1].set(0)  # held
    steps = steps + 1
    mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, mean, gradient)
    square = jax.tree.map(lambda s, g: 0.999 * s + 0.001 * g * g, square, gradient)
    rate, root = 1e-3 / (1 - 0.9**steps), jnp.sqrt(1 - 0.999**steps)
    move = jax.tree.map(lambda p, m, s: (p - rate * m / (jnp.sqrt(s) / root + 1e-8)).astype(p.dtype), parameters, mean, square)
    return (move, mean, square, steps), loss, jnp.sqrt(sum((g**2).sum() for g in gradient))


def start(dtype):
    matrices = tuple(jnp.asarray(matrix, dtype) for matrix in work.lsa_start(d))
    zeros = [tuple(jnp.zeros_like(matrix) for matrix in matrices) for _ in range(2)]
    return matrices, *zeros, jnp.asarray(0, dtype)


def measure(kind, dtype):
    """Seconds of a step, of its random numbers, the first loss and the mean of the last twenty of a hundred."""
    def drawn(state, key):
        key, use = jax.random.split(key)
        state, loss, _ = adam(state, *draw(use, dtype))
        return state, key, loss

    compiled = jax.jit(drawn, donate_argnums=(0, 1))
    state, key = start(dtype), jax.random.key(1, impl=kind)

    def step():
        nonlocal state, key
        state, key, loss = compiled(state, key)
        return float(loss)

    losses = [step() for _ in range(100)]
    draw_only = jax.jit(lambda key: draw(key, dtype))
    total, drawing = work.seconds(step, 1.0), work.seconds(lambda: jax.block_until_ready(draw_only(key)), 0.2)
    return total, drawing, losses[0], sum(losses[-20:]) / 20


for dtype in jnp.float32, jnp.float64:
    total, drawing, *losses = min(measure(kind, dtype) for kind in ("threefry2x32", "rbg"))
    print(total * 1e6, drawing * 1e6, *losses)
given, step = work.normal((batch, n, d), (batch, d)), jax.jit(adam)
state, loss, gradient = step(start(jnp.float64), *given)
print(float(loss), float(gradient), float(step(state, *given)[1]))
