"""JAX on one thread. XLA makes as many threads as the process has cores when JAX starts, so that one core is chosen before."""
import os
import random

os.sched_setaffinity(0, {random.choice(sorted(os.sched_getaffinity(0)))})
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
from jax import lax  # noqa: E402

__all__ = ["jax", "jnp", "lax"]
