"""`lsa_adam.py eager|compiled d n batch`: steps of Adam on all of V and W of linear self-attention, as a researcher writes them in PyTorch
with autograd, in single and in double precision, on one thread; with `compiled` the loss goes through torch.compile.

Prints for both CPU microseconds a step, those of the random numbers, and the loss after 1 and 100 steps; and then, in double precision, the
loss, the norm of its gradient, and the loss after a step of prompts that all peers are given. Prompts are drawn afresh in every step,
x from N(0, I). The chain has one step, and the loss is that of the weight rows; cotscale's is that of all rows.
"""
import sys

import torch

import work

mode = sys.argv[1]
d, n, batch = map(int, sys.argv[2:])
torch.set_num_threads(1)
torch.manual_seed(1)
D = 2 * d + 2


def loss_of(V, W, x, w):
    E = torch.zeros(batch, D, n + 1, dtype=x.dtype)
    E[:, :d, :n] = x.transpose(1, 2)
    E[:, d, :n] = (x * w[:, None]).sum(-1)
    E[:, D - 1, n] = 1
    last = E[:, :, -1:]
    out = last + V @ E @ (E.transpose(1, 2) @ (W @ last)) / n
    return 0.5 * ((out[:, d + 1 : 2 * d + 1, 0] - w) ** 2).sum(1).mean()


if mode == "compiled":
    loss_of = torch.compile(loss_of)


def draw(dtype):
    return torch.randn(batch, n, d, dtype=dtype), torch.randn(batch, d, dtype=dtype)


def trainer(dtype):
    """A step on prompts; the loss before it and its gradient's norm."""
    V, W = (torch.from_numpy(matrix).to(dtype).requires_grad_(True) for matrix in work.lsa_start(d))
    adam = torch.optim.Adam([V, W], lr=1e-3)

    def step(x, w, norm=False):
        loss = loss_of(V, W, x, w)
        adam.zero_grad()
        loss.backward()
        W.grad[d, 2 * d + 1] = 0  # held
        gradient = torch.sqrt((V.grad**2).sum() + (W.grad**2).sum()).item() if norm else None
        adam.step()
        return loss.item(), gradient

    return step


for dtype in torch.float, torch.double:
    step = trainer(dtype)
    losses = [step(*draw(dtype))[0] for _ in range(100)]
    total = work.seconds(lambda: step(*draw(dtype)), 1.0)
    drawing = work.seconds(lambda: draw(dtype), 0.2)
    print(total * 1e6, drawing * 1e6, losses[0], sum(losses[-20:]) / 20)
step = trainer(torch.double)
given = list(map(torch.from_numpy, work.normal((batch, n, d), (batch, d))))
print(*step(*given, norm=True), step(*given)[0])
