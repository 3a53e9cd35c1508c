"""`gpt2.py tiny|small|standard steps|chain`: a GPT-2-style model as a researcher writes it in PyTorch, one thread: a step of Adam on 64
prompts of 40 examples (d = 20) with eight weight tokens, or 20-step roll-outs, recomputing the prefix and with a key-value cache.

Prints CPU milliseconds. The block is GPT-2's: pre-LayerNorm, causal softmax attention, tanh-GELU; the loss is read at weight tokens.
"""
import math
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

SIZES = {"tiny": (3, 2, 64), "small": (6, 4, 128), "standard": (12, 8, 256)}
D, N, TOKENS, BATCH, CHAIN = 20, 40, 8, 64, 20


class Block(nn.Module):
    def __init__(self, width, heads, longest):
        super().__init__()
        self.heads = heads
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention, self.projection = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.register_buffer("mask", torch.full((longest, longest), float("-inf")).triu(1))

    def forward(self, x, cache=None):
        B, T, C = x.shape
        heads = (B, T, self.heads, C // self.heads)
        q, k, v = (part.view(heads).transpose(1, 2) for part in self.attention(self.ln_1(x)).split(C, 2))
        start = 0
        if cache is not None:
            if cache:
                start = cache[0].shape[2]
                k, v = torch.cat([cache[0], k], 2), torch.cat([cache[1], v], 2)
            cache[:] = [k, v]
        scores = q @ k.transpose(-2, -1) / math.sqrt(C // self.heads) + self.mask[start : start + T, : start + T]
        x = x + self.projection((scores.softmax(-1) @ v).transpose(1, 2).reshape(B, T, C))
        return x + self.down(F.gelu(self.up(self.ln_2(x)), approximate="tanh"))


class Model(nn.Module):
    def __init__(self, layers, heads, width):
        super().__init__()
        positions = 2 * N + max(TOKENS, CHAIN) + 1
        self.read_in, self.read_out = nn.Linear(D + 1, width), nn.Linear(width, D)
        self.positions = nn.Embedding(positions, width)
        self.blocks = nn.ModuleList(Block(width, heads, positions) for _ in range(layers))
        self.ln_f = nn.LayerNorm(width)

    def forward(self, tokens, caches=None, start=0, last=None):
        """Outputs of the last so many tokens."""
        x = self.read_in(tokens) + self.positions.weight[start : start + tokens.shape[1]]
        for i, block in enumerate(self.blocks):
            x = block(x, None if caches is None else caches[i])
        return self.read_out(self.ln_f(x if last is None else x[:, -last:]))


def milliseconds(call, at_least):
    call()
    start, calls = time.process_time(), 0
    while time.process_time() - start < at_least or calls < 2:
        call()
        calls += 1
    return 1e3 * (time.process_time() - start) / calls


def weight_token(estimate):
    return torch.cat([estimate, torch.ones(BATCH, 1, 1)], 2)


def step(model, tokens, w):
    adam = torch.optim.Adam(model.parameters(), lr=1e-4)

    def call():
        adam.zero_grad(set_to_none=True)
        loss = 0.5 * ((model(tokens, last=TOKENS) - w) ** 2).sum(-1).mean()
        loss.backward()
        adam.step()

    return call


@torch.no_grad()
def recompute(model, prompt):
    sequence = torch.cat([prompt, weight_token(torch.zeros(BATCH, 1, D))], 1)
    for _ in range(CHAIN):
        sequence = torch.cat([sequence, weight_token(model(sequence, last=1))], 1)


@torch.no_grad()
def cached(model, prompt):
    caches = [[] for _ in model.blocks]
    out = model(torch.cat([prompt, weight_token(torch.zeros(BATCH, 1, D))], 1), caches, last=1)
    for i in range(1, CHAIN):
        out = model(weight_token(out), caches, 2 * N + i)


def main():
    size, what = sys.argv[1:]
    torch.set_num_threads(1)
    torch.manual_seed(1)
    model = Model(*SIZES[size])
    tokens, w = torch.randn(BATCH, 2 * N + TOKENS, D + 1), torch.randn(BATCH, 1, D)
    if what == "steps":
        print(milliseconds(step(model, tokens, w), 2))
    else:
        prompt = tokens[:, : 2 * N]
        print(milliseconds(lambda: recompute(model, prompt), 0.5), milliseconds(lambda: cached(model, prompt), 1))


main()
