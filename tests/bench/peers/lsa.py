"""`lsa.py d m K prompts`: LSA roll-outs as a researcher writes them in PyTorch, batched and in double precision, on one thread.

Prints, for two ways of drawing the normal numbers (torch.randn; NumPy's ziggurat, which is faster), CPU microseconds a prompt, those
of the random numbers, and the mean error after 1 and 5 steps. The model is A = I/1.5 on Sigma = I, so x needs no factor of Sigma; for
cotscale Sigma is general, and it multiplies by the factor all the same.
"""
import sys
import time

import numpy
import torch

d, m, K, prompts = map(int, sys.argv[1:])
torch.set_num_threads(1)
torch.set_grad_enabled(False)
A = torch.linalg.inv(1.5 * torch.eye(d, dtype=torch.double))
generator = numpy.random.Generator(numpy.random.SFC64(1))


def with_torch(*shape):
    return torch.randn(*shape, dtype=torch.double)


def with_numpy(*shape):
    return torch.from_numpy(generator.standard_normal(shape))


def roll_out(normal, batch):
    x = normal(batch, d, m)
    u = -normal(batch, d, 1)
    step = A @ (torch.bmm(x, x.transpose(1, 2)) / m)
    errors = [(u**2).sum()]
    for _ in range(K):
        u = u - torch.bmm(step, u)
        errors.append((u**2).sum())
    return torch.stack(errors) / batch


def seconds(call, at_least):
    call()
    start, calls = time.process_time(), 0
    while time.process_time() - start < at_least:
        call()
        calls += 1
    return (time.process_time() - start) / calls


for normal in with_torch, with_numpy:
    # The fastest batch counts: small ones stay in the cache, large ones cost fewer calls.
    batch = min((prompts, 16, 64, 256), key=lambda b: seconds(lambda: roll_out(normal, b), 0.1) / b)
    total = seconds(lambda: roll_out(normal, batch), 0.4) / batch
    draw = seconds(lambda: (normal(batch, d, m), normal(batch, d, 1)), 0.2) / batch
    errors = sum(roll_out(normal, batch) for _ in range(-(-prompts // batch))) / -(-prompts // batch)
    print(total * 1e6, draw * 1e6, errors[1].item(), errors[5].item())
