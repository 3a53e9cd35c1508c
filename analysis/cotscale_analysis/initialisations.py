"""Standard deviations of the random weights that a transformer begins with, as cotscale has them."""

import math


def _fan_in(name, shape, layers):
    """By the number of a map's inputs, for any width; shape is (inputs, outputs) of Conv1D."""
    if name == "read_in.weight":
        return 1 / math.sqrt(shape[0])
    if name == "wpe.weight":
        return 0.05
    if name == "read_out.weight":
        return 0.02
    return 1 / math.sqrt(shape[0] * (2 * layers if name.endswith("c_proj.weight") else 1))


def _gpt2(name, shape, layers):
    """As GPT-2 does, made for a width of 768."""
    return 0.02 / math.sqrt(2 * layers) if name.endswith("c_proj.weight") else 0.02


# By the words of the key `initialisation`: a function of the name and shape of a tensor of two dimensions, and of the number of layers.
INITIALISATIONS = {"fan_in": _fan_in, "gpt2": _gpt2}
