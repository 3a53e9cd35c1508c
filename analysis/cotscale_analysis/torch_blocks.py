"""Blocks of a GPT-2-style model as PyTorch modules; torch_model.py begins their weights."""

import math

import torch

EPSILON = 1e-5  # of the layer norms


class Conv1D(torch.nn.Module):
    """x W + b with W (inputs, outputs), as Hugging Face has it."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.empty(inputs, outputs))
        self.bias = torch.nn.Parameter(torch.empty(outputs))

    def forward(self, x):
        return x @ self.weight + self.bias


class Attention(torch.nn.Module):
    """Causal softmax attention of several heads."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.c_attn = Conv1D(width, 3 * width)
        self.c_proj = Conv1D(width, width)

    def forward(self, x, cache=None):
        """x (B, T, C). `cache` is a list: keys and values of the tokens before, [] at first, to which these are added."""
        batch, tokens, width = x.shape
        heads = (batch, tokens, self.heads, width // self.heads)
        q, k, v = (part.view(heads).transpose(1, 2) for part in self.c_attn(x).split(width, 2))
        if cache:
            k, v = torch.cat([cache[0], k], 2), torch.cat([cache[1], v], 2)
        if cache is not None:
            cache[:] = [k, v]
        keys = k.shape[2]
        future = torch.ones(tokens, keys, dtype=torch.bool, device=x.device).triu(keys - tokens + 1)
        scores = (q @ k.transpose(2, 3) / math.sqrt(heads[3])).masked_fill(future, -math.inf)
        return self.c_proj((scores.softmax(3) @ v).transpose(1, 2).reshape(x.shape))


class MLP(torch.nn.Module):
    """Four times the width, and back; GELU by its approximation with tanh."""

    def __init__(self, width):
        super().__init__()
        self.c_fc = Conv1D(width, 4 * width)
        self.c_proj = Conv1D(4 * width, width)

    def forward(self, x):
        return self.c_proj(torch.nn.functional.gelu(self.c_fc(x), approximate="tanh"))


class Block(torch.nn.Module):
    """Attention and MLP, each of the normalised residual stream."""

    def __init__(self, width, heads):
        super().__init__()
        self.ln_1 = torch.nn.LayerNorm(width, eps=EPSILON)
        self.attn = Attention(width, heads)
        self.ln_2 = torch.nn.LayerNorm(width, eps=EPSILON)
        self.mlp = MLP(width)

    def forward(self, x, cache=None):
        x = x + self.attn(self.ln_1(x), cache)
        return x + self.mlp(self.ln_2(x))
