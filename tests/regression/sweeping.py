"""What the tests of axes and of stages have in common: their specifications, runs of these, and what the files hold."""

import h5py
import xarray

from conftest import RECORD, Program
from specifications import specification

MODELS = {"learned": {"training": "samples", "steps": 30, "batch": 16, "momentum": 0.5}, "exact": {}}

DIRECT = {"training": "samples", "objective": "direct", "steps": 20, "batch": 16}
PROCESS = {"training": "samples", "objective": "process", "k_train": 3, "targets": "gd", "steps": 30, "batch": 16, "learning_rate": 0.002}
OUTCOME = {"training": "samples", "objective": "outcome", "k_train": 2, "optimizer": "sgd", "learning_rate": 1e-4, "steps": 5, "batch": 8}
STAGED = {"keep_weights": True, "stages": [{"mixture": "skewed", **DIRECT}, PROCESS, {"mixture": "mine", **OUTCOME}]}
TRANSFORMER = {"architecture": "gpt2", "size": "free", "layers": 1, "heads": 2, "width": 8}
MINE = {"mine": {"spectrum": "power_law", "exponent": 0.5}}


def with_axes(axes, **tables):
    base = {"models": MODELS, "mixtures": MINE,
            "sweep": {"mixtures": ["matched", "mine"], "n": [4, 8], "repeats": 2}, "test": {"m": [5], "prompts": 40}}
    return specification(**{**base, **tables}) + axes


def with_stages(models, **tables):
    return specification(models, MINE, **{"sweep": {"mixtures": ["matched"], "repeats": 2, **tables.pop("sweep", {})},
                                          "test": {"m": [8], "prompts": 60}, **tables})


def run(directory, text, *arguments, **options):
    directory.mkdir()
    program = Program(directory)
    program.spec.write_text(text)
    program.run(*arguments, **options)
    return program


def payload(path):
    """Every variable of cells, its values last."""
    with h5py.File(path) as f:
        cells = f["status"].ndim
        return {name: data[()] for name, data in f.items()
                if isinstance(data, h5py.Dataset) and data.ndim >= cells and data.shape[:cells] == f["status"].shape
                and name not in RECORD and not name.startswith("identity")}


def weights(program):
    return xarray.open_dataset(program.out, group="weights")["v"].load().isel(model=0).values
