"""`gpt2_torch2.py eager|compiled tiny|small|standard steps|chain|check`: the work of gpt2.py as PyTorch 2 wants it done: fused attention,
fused Adam, a cache of fixed size, and with `compiled` torch.compile over the model and its loss.

Prints CPU milliseconds (of a roll-out with a cache only), or what `checked` returns.
"""
import sys

import torch
import torch.nn.functional as F

import gpt2
from work import BATCH, CHAIN, N, POSITIONS, SIZES, seconds


class Block(gpt2.Block):
    """Its cache holds all positions; `start` is a number, or a tensor with the position of a single token."""

    def attend(self, q, k, v, cache, start):
        if cache is None:
            return F.scaled_dot_product_attention(q, k, v, is_causal=True)
        if isinstance(start, torch.Tensor):  # compiled: shapes stay, so that it is compiled once
            for kept, new in zip(cache, (k, v)):
                kept.index_copy_(2, start, new)
            seen = torch.arange(POSITIONS) <= start
            return F.scaled_dot_product_attention(q, *cache, attn_mask=seen[None, None, None])
        end = start + q.shape[2]
        for kept, new in zip(cache, (k, v)):
            kept[:, :, start:end] = new
        if start == 0:
            return F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return F.scaled_dot_product_attention(q, cache[0][:, :, :end], cache[1][:, :, :end])


class Model(gpt2.Model):
    def __init__(self, size):
        super().__init__(size, Block)
        layers, heads, width = SIZES[size]
        self.caches = [[torch.zeros(BATCH, heads, POSITIONS, width // heads) for _ in "kv"] for _ in range(layers)]

    def begin(self, prompt):
        return self(gpt2.first_tokens(prompt), self.caches, 0, last=1)

    def go_on(self, estimate, start):
        x = self.read_in(gpt2.weight_token(estimate))
        x = x + (self.positions(start) if isinstance(start, torch.Tensor) else self.positions.weight[start])
        for block, cache in zip(self.blocks, self.caches):
            x = block(x, cache, start)
        return self.read_out(self.ln_f(x))


def roll_out(begin, go_on, positions):
    @torch.inference_mode()
    def call(_model, prompt):
        out = begin(prompt)
        for position in positions:
            out = go_on(out, position)
        return out

    return call


def main():
    mode, size, what = sys.argv[1:]
    tokens, w, prompt = gpt2.inputs()
    model = Model(size)
    positions = [2 * N + i for i in range(1, CHAIN)]
    if mode == "compiled":
        step = gpt2.step(model, tokens, w, torch.compile(gpt2.loss_of), fused=True)
        cached = roll_out(torch.compile(model.begin), torch.compile(model.go_on), [torch.tensor([i]) for i in positions])
    else:
        step = gpt2.step(model, tokens, w, fused=True)
        cached = roll_out(model.begin, model.go_on, positions)
    if what == "steps":
        print(1e3 * seconds(step, 2))
    elif what == "chain":
        print(1e3 * seconds(lambda: cached(model, prompt), 1))
    else:
        print(*gpt2.checked(model, step, cached, prompt))


main()
