"""`lsa_adam.py d n batch`: steps of Adam on all of V and W of linear self-attention, as a researcher writes them in PyTorch with
autograd, in single and in double precision, on one thread.

Prints for both CPU microseconds a step, those of the random numbers, and the loss after 1 and 100 steps. Prompts are drawn afresh in
every step, x from N(0, I). The chain has one step, and the loss is that of the weight rows; cotscale's is that of all rows.
"""
import sys
import time

import torch

d, n, batch = map(int, sys.argv[1:])
torch.set_num_threads(1)
torch.manual_seed(1)
D = 2 * d + 2


def trainer(dtype):
    V = torch.zeros(D, D, dtype=dtype, requires_grad=True)
    W = torch.zeros(D, D, dtype=dtype)
    W[:d, d + 1 : 2 * d + 1] = torch.eye(d, dtype=dtype)
    W[d, 2 * d + 1] = -1
    W.requires_grad_(True)
    adam = torch.optim.Adam([V, W], lr=1e-3)

    def step():
        x, w = torch.randn(batch, n, d, dtype=dtype), torch.randn(batch, d, dtype=dtype)
        E = torch.zeros(batch, D, n + 1, dtype=dtype)
        E[:, :d, :n] = x.transpose(1, 2)
        E[:, d, :n] = (x * w[:, None]).sum(-1)
        E[:, D - 1, n] = 1
        last = E[:, :, -1:]
        out = last + V @ E @ (E.transpose(1, 2) @ (W @ last)) / n
        loss = 0.5 * ((out[:, d + 1 : 2 * d + 1, 0] - w) ** 2).sum(1).mean()
        adam.zero_grad()
        loss.backward()
        W.grad[d, 2 * d + 1] = 0  # held
        adam.step()
        return loss.item()

    return step


def seconds(call, at_least):
    call()
    start, calls = time.process_time(), 0
    while time.process_time() - start < at_least:
        call()
        calls += 1
    return (time.process_time() - start) / calls


for dtype in torch.float, torch.double:
    step = trainer(dtype)
    losses = [step() for _ in range(100)]
    total = seconds(step, 1.0)
    draw = seconds(lambda: (torch.randn(batch, n, d, dtype=dtype), torch.randn(batch, d, dtype=dtype)), 0.2)
    print(total * 1e6, draw * 1e6, losses[0], sum(losses[-20:]) / 20)
