"""`lsa_jax.py d m K prompts`: the work of lsa.py in JAX, in double precision on one thread: a prompt's roll-out, mapped over the batch, its
steps a scan. Prints the same, for two generators of JAX (threefry, which is its default, and rbg)."""
import sys

import work
from one_core import jax, jnp

jax.config.update("jax_enable_x64", True)
d, m, K, prompts = map(int, sys.argv[1:])
A = jnp.linalg.inv(1.5 * jnp.eye(d))


def errors_of_prompt(x, u):
    step = A @ (x @ x.T / m)
    return jax.lax.scan(lambda u, _: (u - step @ u, (u**2).sum()), u, None, length=K + 1)[1]


@jax.jit
def errors_of(x, u):
    return jax.vmap(errors_of_prompt)(x, u).mean(0)


def draw(key, batch):
    to_x, to_u = jax.random.split(key)
    return jax.random.normal(to_x, (batch, d, m)), jax.random.normal(to_u, (batch, d, 1))


draw_only = jax.jit(draw, static_argnums=1)
roll_out = jax.jit(lambda key, batch: errors_of(*draw(key, batch)), static_argnums=1)
for kind in "threefry2x32", "rbg":
    key = jax.random.key(1, impl=kind)

    def next_key():
        global key
        key, use = jax.random.split(key)
        return use

    def of(function, batch, at_least):
        return work.seconds(lambda: jax.block_until_ready(function(next_key(), batch)), at_least) / batch

    batch = min((prompts, 16, 64, 256), key=lambda b: of(roll_out, b, 0.1))
    total, drawing = of(roll_out, batch, 0.4), of(draw_only, batch, 0.2)
    errors = sum(roll_out(next_key(), batch) for _ in range(-(-prompts // batch))) / -(-prompts // batch)
    print(total * 1e6, drawing * 1e6, float(errors[1]), float(errors[5]))
given = errors_of(*work.normal((16, d, m), (16, d, 1)))
print(float(given[1]), float(given[5]), float(given[K]))
