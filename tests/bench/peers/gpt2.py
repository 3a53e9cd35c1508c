"""`gpt2.py tiny|small|standard steps|chain|check`: a GPT-2-style model as a researcher writes it in PyTorch, one thread: a step of Adam on
64 prompts of 40 examples (d = 20) with eight weight tokens, or 20-step roll-outs, recomputing the prefix and with a key-value cache.

Prints CPU milliseconds, or with `check` what `checked` returns. The block is GPT-2's: pre-LayerNorm, causal softmax attention, tanh-GELU;
the loss is read at weight tokens.
"""
import math
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

from work import BATCH, CHAIN, D, LEARNING_RATE, N, POSITIONS, SIZES, TOKENS, gpt2_prompts, gpt2_weights, seconds


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention, self.projection = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.register_buffer("mask", torch.full((POSITIONS, POSITIONS), float("-inf")).triu(1), persistent=False)

    def attend(self, q, k, v, cache, start):
        if cache is not None:
            if cache:
                k, v = torch.cat([cache[0], k], 2), torch.cat([cache[1], v], 2)
            cache[:] = [k, v]
        scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1]) + self.mask[start : start + q.shape[2], : start + q.shape[2]]
        return scores.softmax(-1) @ v

    def forward(self, x, cache=None, start=0):
        B, T, C = x.shape
        heads = (B, T, self.heads, C // self.heads)
        q, k, v = (part.view(heads).transpose(1, 2) for part in self.attention(self.ln_1(x)).split(C, 2))
        x = x + self.projection(self.attend(q, k, v, cache, start).transpose(1, 2).reshape(B, T, C))
        return x + self.down(F.gelu(self.up(self.ln_2(x)), approximate="tanh"))


class Model(nn.Module):
    def __init__(self, size, block=Block):
        super().__init__()
        layers, heads, width = SIZES[size]
        self.read_in, self.read_out = nn.Linear(D + 1, width), nn.Linear(width, D)
        self.positions = nn.Embedding(POSITIONS, width)
        self.blocks = nn.ModuleList(block(width, heads) for _ in range(layers))
        self.ln_f = nn.LayerNorm(width)
        self.load_state_dict({name: torch.from_numpy(values) for name, values in gpt2_weights(size).items()})

    def forward(self, tokens, caches=None, start=0, last=None):
        """Outputs of the last so many tokens."""
        x = self.read_in(tokens) + self.positions.weight[start : start + tokens.shape[1]]
        for i, block in enumerate(self.blocks):
            x = block(x, None if caches is None else caches[i], start)
        return self.read_out(self.ln_f(x if last is None else x[:, -last:]))


def weight_token(estimate):
    return torch.cat([estimate, torch.ones(BATCH, 1, 1)], 2)


def first_tokens(prompt):
    return torch.cat([prompt, weight_token(torch.zeros(BATCH, 1, D))], 1)


def loss_of(model, tokens, w):
    return 0.5 * ((model(tokens, last=TOKENS) - w) ** 2).sum(-1).mean()


def step(model, tokens, w, loss_of=loss_of, **options):
    """A step, which returns the loss before it."""
    adam = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, **options)

    def call():
        adam.zero_grad(set_to_none=True)
        loss = loss_of(model, tokens, w)
        loss.backward()
        adam.step()
        return loss

    return call


@torch.no_grad()
def recompute(model, prompt):
    sequence = first_tokens(prompt)
    for _ in range(CHAIN):
        out = model(sequence, last=1)
        sequence = torch.cat([sequence, weight_token(out)], 1)
    return out


@torch.no_grad()
def cached(model, prompt):
    caches = [[] for _ in model.blocks]
    out = model(first_tokens(prompt), caches, last=1)
    for i in range(1, CHAIN):
        out = model(weight_token(out), caches, 2 * N + i)
    return out


def checked(model, step, cached, prompt):
    """The norm of the roll-out's end, the loss, the norm of its gradient, and the loss after one and two steps of Adam."""
    end = cached(model, prompt).norm().item()
    first = step().item()
    gradient = torch.cat([parameter.grad.flatten() for parameter in model.parameters()]).norm().item()
    return end, first, gradient, step().item(), step().item()


def inputs():
    """One thread; tokens, w and the prompt without weight tokens."""
    torch.set_num_threads(1)
    tokens, w = map(torch.from_numpy, gpt2_prompts())
    return tokens, w, tokens[:, : 2 * N]


def main():
    size, what = sys.argv[1:]
    tokens, w, prompt = inputs()
    model = Model(size)
    if what == "steps":
        print(1e3 * seconds(step(model, tokens, w), 2))
    elif what == "chain":
        print(1e3 * seconds(lambda: recompute(model, prompt), 0.5), 1e3 * seconds(lambda: cached(model, prompt), 1))
    else:
        print(*checked(model, step(model, tokens, w), cached, prompt))


if __name__ == "__main__":
    main()
