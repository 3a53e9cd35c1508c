"""A GPT-2-style model of a results file as a PyTorch module. It and torch_blocks.py alone need PyTorch: the package does not import it.

Names and orientations are the file's: Hugging Face's GPT-2, with read_in and read_out in place of the embedding of
words and its inverse. Tokens are x_1, y_1, …, x_m, y_m, w_0, w_1, …, each d numbers and a flag: y is in the first
number, an estimate has the flag 1, and what is read out at one estimate is the next.
"""

import contextlib
from pathlib import Path

import numpy as np
import xarray as xr

from .errors import IO_ERROR, OTHER_SCHEMA, USAGE, ResultsError
from .initialisations import INITIALISATIONS
from .results import CELL, DONE, PENDING, _check_schema, configuration, is_selection
from .seal import check_seal

try:
    import torch
except ImportError as error:
    message = "cotscale_analysis.torch_model needs PyTorch: apt-get install --no-install-recommends python3-torch"
    raise ImportError(message) from error

from .torch_blocks import EPSILON, Block  # noqa: E402  (needs torch)

POSITIONS, WEIGHT_POSITIONS = ("learned", "sinusoidal", "none"), ("own", "shared")


class GPT2(torch.nn.Module):
    """A model that is trained on prompts of up to `examples` examples and chains of up to `chain` steps.

    The tokens of example i are numbers 2i − 2 and 2i − 1. With `positions` "learned" each has a row of wpe.weight, so that
    prompts are no longer than in training; with "sinusoidal" they have sines and cosines of their number, with "none"
    nothing, and prompts are of any length. Behind the learned rows stand those of weight tokens: with
    `weight_positions` "own" row j is w_j's, however many examples a prompt has, and chains are no longer than in training;
    with "shared" all have one row, and chains are of any length.
    `initialisation` is a word of INITIALISATIONS: random weights are distributed as cotscale's with that key, gains are 1,
    biases 0.
    """

    def __init__(self, d, layers, heads, width, examples, chain=1, initialisation="fan_in",
                 positions="learned", weight_positions="own"):  # fmt: skip
        super().__init__()
        if min(d, layers, heads, width, examples, chain) < 1 or width % heads:
            shape = f"d = {d}, {layers} layers, {heads} heads, width {width}, {examples} examples, chain {chain}"
            raise ValueError(f"GPT2: every number must be ≥ 1, and the heads must divide the width: {shape}")
        if initialisation not in INITIALISATIONS:
            raise ValueError(f"GPT2: initialisation must be one of {', '.join(INITIALISATIONS)}, not {initialisation}")
        if positions not in POSITIONS or weight_positions not in WEIGHT_POSITIONS:
            given = f'positions = "{positions}" and weight_positions = "{weight_positions}"'
            raise ValueError(f"GPT2: {given}: it has {', '.join(POSITIONS)} and {', '.join(WEIGHT_POSITIONS)}")
        self.d, self.examples, self.chain = d, examples, chain
        self.positions, self.weight_positions = positions, weight_positions
        self.example_rows = 2 * examples if positions == "learned" else 0
        self.read_in = torch.nn.Linear(d + 1, width)
        self.wpe = torch.nn.Embedding(self.example_rows + (chain if weight_positions == "own" else 1), width)
        self.h = torch.nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.ln_f = torch.nn.LayerNorm(width, eps=EPSILON)
        self.read_out = torch.nn.Linear(width, d)
        self._initialise(INITIALISATIONS[initialisation])

    def _initialise(self, deviation):
        for name, parameter in self.named_parameters():
            if parameter.ndim > 1:
                torch.nn.init.normal_(parameter, std=deviation(name, parameter.shape, len(self.h)))
            else:
                torch.nn.init.constant_(parameter, float(name.endswith("weight")))

    def forward(self, x, y, estimates):
        """What is read out at given estimates, (B, j, d): for x (B, m, d), y (B, m) and w_0 … w_{j−1} (B, j, d)."""
        x, y, estimates = (self._as_parameters_are(values) for values in (x, y, estimates))
        return self._forward(x, y, estimates, [None] * len(self.h))

    def roll_out(self, x, w, steps):
        """The chain w_0 = 0, w_1, … w_steps, (B, steps + 1, d): for x (B, m, d) and w (B, d), tensors or arrays.

        Gradients go through the chain: use torch.no_grad() where they are not needed.
        """
        x = torch.as_tensor(x)
        w = torch.as_tensor(w, dtype=x.dtype, device=x.device)
        y = self._as_parameters_are(torch.einsum("bmd,bd->bm", x, w))
        x, caches = self._as_parameters_are(x), [[] for _ in self.h]
        self._require_positions(x.shape[1], steps)
        chain = [x.new_zeros(len(x), self.d)]
        for i in range(steps):
            # Keys and values of the examples and of the estimates before are in the caches.
            out = self._forward(x, y, chain[-1][:, None], caches, first=i)
            chain.append(out[:, -1])
        return torch.stack(chain, 1)

    def _forward(self, x, y, estimates, caches, first=0):
        """Of w_first and those that follow; with first > 0 the examples are in the caches."""
        count = estimates.shape[1]
        self._require_positions(x.shape[1], first + count)
        tokens = torch.cat([estimates, torch.ones_like(estimates[:, :, :1])], 2)
        positions = self._weight_positions(first, count)
        if first == 0:
            examples = self._example_tokens(x, y)
            tokens = torch.cat([examples, tokens], 1)
            positions = torch.cat([self._example_positions(examples.shape[1]), positions])
        stream = self.read_in(tokens) + positions
        for block, cache in zip(self.h, caches):
            stream = block(stream, cache)
        return self.read_out(self.ln_f(stream[:, stream.shape[1] - count :]))

    def _weight_positions(self, first, count):
        """Of w_first and those that follow, (count, C)."""
        rows = self.wpe.weight[self.example_rows :]
        return rows[first : first + count] if self.weight_positions == "own" else rows.expand(count, -1)

    def _example_positions(self, count):
        """Of the first tokens, (count, C)."""
        if self.positions == "learned":
            return self.wpe.weight[:count]
        width = self.wpe.weight.shape[1]
        fixed = torch.zeros(count, width, dtype=torch.double)
        if self.positions == "sinusoidal":
            angles = torch.arange(count)[:, None] * 10000.0 ** -(torch.arange(0, width, 2, dtype=torch.double) / width)
            fixed[:, 0::2], fixed[:, 1::2] = angles.sin(), angles.cos()[:, : width // 2]
        return self._as_parameters_are(fixed)

    def _example_tokens(self, x, y):
        batch, m, d = x.shape
        tokens = x.new_zeros(batch, 2 * m, d + 1)
        tokens[:, 0::2, :d] = x
        tokens[:, 1::2, 0] = y
        return tokens

    def _as_parameters_are(self, values):
        return torch.as_tensor(values, dtype=self.wpe.weight.dtype, device=self.wpe.weight.device)

    def _require_positions(self, m, steps):
        examples_fit = self.positions != "learned" or m <= self.examples
        if not examples_fit or (self.weight_positions == "own" and steps > self.chain):
            has = f"{self.examples} examples and chains of {self.chain} steps"
            raise ValueError(f"this GPT2 has positions for {has}, not for {m} and {steps}")


def load_gpt2(path, engine="h5netcdf", **selection):
    """The trained model of one cell, in single precision.

    `selection` are values of model, mixture, hardness, n and repeat; those of which the file has one may be left out.
    Reads this cell alone; a run may write the file meanwhile. Raises ResultsError with exit code 2 where there is no
    such cell, it is not done, or it has no weights; 65 where the file is not one of this schema version or contradicts
    its specification; 74 where it cannot be read.
    """
    with _reading(path, engine) as file:
        index = {name: _position(path, file, name, selection.pop(name, None)) for name in CELL}
        if selection:
            _refuse(path, f"a cell has no {', '.join(selection)}: it is selected by {', '.join(CELL)}", USAGE)
        values = {name: file[name].values[i] for name, i in index.items()}
        model = GPT2(**_shape(path, file, values["model"], int(values["n"])))
        cell = "the cell " + ", ".join(f"{name} = {value}" for name, value in values.items())
        # A run marks a cell done only after its numbers are in the file: the mark must be read first.
        status = int(file["status"].isel(index))
        if status != DONE:
            _refuse(path, f"{cell} {'is not computed yet' if status == PENDING else 'has failed'}", USAGE)
        with _weights_group(path, engine) as group:
            # Where transformers of several shapes are kept, each has variables of its own.
            own = f"{values['model']}."
            prefix = own if any(name.startswith(own) for name in group.variables) else ""
            weights = {name: _weight(path, group, index, prefix + name, like) for name, like in model.state_dict().items()}
    diverged = [name for name, weight in weights.items() if not np.isfinite(weight).all()]
    if diverged:
        _refuse(path, f"{cell} has diverged: not every number of {diverged[0]} is finite", USAGE)
    model.load_state_dict({name: torch.from_numpy(weight) for name, weight in weights.items()})
    return model


def _refuse(path, problem, exit_code):
    raise ResultsError(f"{path}: {problem}", exit_code)


@contextlib.contextmanager
def _reading(path, engine):
    """A sweep's results file whose numbers are read when they are asked for."""
    if not Path(path).is_file():
        _refuse(path, "no such file", IO_ERROR)
    try:
        check_seal(path)
        with xr.open_dataset(path, engine=engine, decode_times=False, cache=False) as file:
            _check_schema(path, file)
            if is_selection(file):
                _refuse(path, "holds a selection of tasks, not the results of a sweep", OTHER_SCHEMA)
            yield file
    except OSError as error:
        raise ResultsError(f"{path}: cannot be read ({error.strerror or error})", IO_ERROR) from error
    except ValueError as error:
        raise ResultsError(f"{path}: not a cotscale results file ({error})", OTHER_SCHEMA) from error


def _weights_group(path, engine):
    try:
        return xr.open_dataset(path, group="weights", engine=engine, cache=False)
    except OSError as error:
        raise ResultsError(f"{path}: the group weights is missing", OTHER_SCHEMA) from error


def _position(path, file, name, wanted):
    """Where `wanted` is on an axis of cells; None is the only one."""
    values = file[name].values.tolist()
    if wanted is None and len(values) == 1:
        return 0
    if wanted not in values:
        there = ", ".join(map(str, values))
        problem = f"which {name}? It has {there}" if wanted is None else f"no {name} = {wanted}, only {there}"
        _refuse(path, problem, USAGE)
    return values.index(wanted)


def _shape(path, file, model, n):
    """The arguments of GPT2 for that model, from the specification in the file."""
    try:
        specification = configuration(file)
    except ResultsError as error:
        _refuse(path, error, error.exit_code)
    try:
        table = specification["models"][model]
        if table["architecture"] != "gpt2" or not table["keep_weights"]:
            needed = 'architecture = "gpt2" and keep_weights = true'
            _refuse(path, f"holds no weights of a transformer for model = {model}: that takes {needed}", USAGE)
        shape = {name: table[name] for name in ("layers", "heads", "width")}
        chain = 1 if table["objective"] == "direct" else table["k_train"]
        # Not written where they are the defaults.
        shape["positions"] = table.get("positions", POSITIONS[0])
        shape["weight_positions"] = table.get("weight_positions", WEIGHT_POSITIONS[0])
        return shape | {"d": specification["task"]["d"], "examples": n, "chain": chain}
    except KeyError as error:
        raise ResultsError(f"{path}: config_toml lacks {error} for model = {model}", OTHER_SCHEMA) from error


def _weight(path, file, index, name, like):
    """A parameter of the cell as an array of the shape of `like`."""
    if name not in file.variables:
        _refuse(path, f"the variable {name} is missing", OTHER_SCHEMA)
    values = file[name].isel(index).values
    if name.endswith("wpe.weight"):
        values = values[: len(like)]  # beyond are the positions of larger n
    if values.shape != like.shape:
        _refuse(path, f"{name} has the shape {values.shape}, not {tuple(like.shape)}", OTHER_SCHEMA)
    return np.array(values, dtype=np.float32)
