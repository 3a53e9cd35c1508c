"""`lsa.py eager|compiled d m K prompts`: LSA roll-outs as a researcher writes them in PyTorch, batched and in double precision, on one thread;
with `compiled` through torch.compile, which PyTorch 1 has not.

Prints, for two ways of drawing the normal numbers (torch.randn; NumPy's ziggurat, which is faster), CPU microseconds a prompt, those
of the random numbers, and the mean error after 1 and 5 steps; and then the errors of prompts that all peers are given after 1, 5 and K
steps. The model is A = I/1.5 on Sigma = I, so x needs no factor of Sigma; for cotscale Sigma is general, and it multiplies by the factor
all the same.
"""
import sys

import numpy
import torch

import work

mode = sys.argv[1]
d, m, K, prompts = map(int, sys.argv[2:])
torch.set_num_threads(1)
torch.set_grad_enabled(False)
A = torch.linalg.inv(1.5 * torch.eye(d, dtype=torch.double))
generator = numpy.random.Generator(numpy.random.SFC64(1))


def with_torch(*shape):
    return torch.randn(*shape, dtype=torch.double)


def with_numpy(*shape):
    return torch.from_numpy(generator.standard_normal(shape))


def errors_of(x, u):
    step = A @ (torch.bmm(x, x.transpose(1, 2)) / m)
    errors = [(u**2).sum()]
    for _ in range(K):
        u = u - torch.bmm(step, u)
        errors.append((u**2).sum())
    return torch.stack(errors) / len(x)


if mode == "compiled":
    errors_of = torch.compile(errors_of, dynamic=False)


def roll_out(normal, batch):
    return errors_of(normal(batch, d, m), -normal(batch, d, 1))


for normal in with_torch, with_numpy:
    # The fastest batch counts: small ones stay in the cache, large ones cost fewer calls.
    batch = min((prompts, 16, 64, 256), key=lambda b: work.seconds(lambda: roll_out(normal, b), 0.1) / b)
    total = work.seconds(lambda: roll_out(normal, batch), 0.4) / batch
    draw = work.seconds(lambda: (normal(batch, d, m), normal(batch, d, 1)), 0.2) / batch
    errors = sum(roll_out(normal, batch) for _ in range(-(-prompts // batch))) / -(-prompts // batch)
    print(total * 1e6, draw * 1e6, errors[1].item(), errors[5].item())
given = errors_of(*map(torch.from_numpy, work.normal((16, d, m), (16, d, 1))))
print(given[1].item(), given[5].item(), given[K].item())
