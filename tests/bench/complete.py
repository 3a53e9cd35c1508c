#!/usr/bin/env python3
"""How fast transformers learn all directions: a table in Markdown of variants of a training, each with several seeds.

    complete.py [--build DIRECTORY] [--base FILE] [--ranks N] [--seeds N] [--threshold LOSS] [--smooth N] [--output FILE]
                [--set KEY=VALUE ...] NAME[:KEY=VALUE,KEY=VALUE ...] ...

Every NAME is a model of one sweep: the only one of the base specification (complete.toml beside this file) with these keys instead; a value
is TOML or a bare word, and a key without one is left out. All variants learn from the same random numbers, seed by seed. `--set` is handed to
`cotscale run`; a file that is there already is gone on with.

    complete.py base prefixes:prefix_weight=1 'late:schedule=late_decay,decay_from=0.8' --set sweep.n=[20]

A run is complete from the first recorded step on (`sweep.record_every`) from which its training loss, the mean over `--smooth` neighbouring
records, stays below `--threshold` to the end, for as many records at least. Each direction that is not learned costs about ½ E w_j² = 0.5 in the loss ½‖ŵ − w‖² of a step, so that
0.25 tells a run with all directions from one that lacks one. CPU minutes are the cell's training seconds on one thread, times the share of
its steps: where other work shares the cores they are too long, and a curriculum's early steps are cheaper than they say.
"""
import argparse
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import tomllib

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "analysis"), str(HERE.parent / "regression")]
from cotscale_analysis.results import open_results  # noqa: E402
from specifications import toml_text  # noqa: E402

SMOKE = "COTSCALE_SMOKE" in os.environ  # see run.sh
STEPS_OF_CHAIN = (1, 2, 5)
AS_ROOT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"} if os.geteuid() == 0 else {}


def value_of(text):
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def variant_of(word):
    """"late:schedule=late_decay,warm_up=" → ("late", {"schedule": "late_decay", "warm_up": None})."""
    name, _, rest = word.partition(":")
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        sys.exit(f"complete: {word}: a variant is NAME or NAME:KEY=VALUE,KEY=VALUE, and a name has letters, digits, _ and - only")
    keys = {}
    for part in filter(None, rest.split(",")):
        key, equals, value = part.partition("=")
        if not equals:
            sys.exit(f"complete: {word}: {part} is not KEY=VALUE")
        keys[key.strip()] = value_of(value) if value else None
    return name, keys


def specification(base, variants, seeds):
    tables = tomllib.loads(base.read_text())
    models = tables.pop("models")
    if len(models) != 1:
        sys.exit(f"complete: {base} has {len(models)} tables [models.NAME]; it must have one")
    (own,) = models.values()
    if "stages" in own:
        sys.exit(f"complete: {base} has a training in stages; the table is of one training")
    tables["sweep"] |= {"models": list(variants), "repeats": seeds}
    return toml_text(tables | {f"models.{name}": own | keys for name, keys in variants.items()})


def run(options, words, folder):
    spec = folder / "complete.toml"
    spec.write_text(specification(options.base, dict(map(variant_of, words)), options.seeds))
    out = options.output or folder / "complete.h5"
    command = ["mpirun", "-n", options.ranks, options.build / "cotscale", "run", spec, "--output", out, "--allow-diverged"]
    for override in options.set:
        command += ["--set", override]
    environment = dict(os.environ, OMP_NUM_THREADS="1", **AS_ROOT)
    if subprocess.run(list(map(str, command)), env=environment, stdout=sys.stderr).returncode != 0:
        sys.exit("complete: the run failed, or was stopped; the same command goes on where --output names a file")
    return open_results(out)


def smoothed(losses, neighbours):
    """Means over as many neighbours, fewer at the ends."""
    half = neighbours // 2
    return np.array([losses[max(0, i - half) : i + half + 1].mean() for i in range(len(losses))])


def complete_from(steps, losses, threshold, neighbours):
    """The first of the recorded steps from which on the loss stays below, for as many records as are neighbours at least; inf where there is none."""
    low = smoothed(losses, neighbours) < threshold  # NaN is not
    lasting = np.flip(np.logical_and.accumulate(np.flip(low)))
    return float(steps[lasting.argmax()]) if lasting.sum() >= neighbours else np.inf


def records(cell):
    """Steps and losses up to the end of a training; a loss that is missing before it is NaN."""
    steps = cell["training_step"].values
    within = steps <= float(cell["training_steps"])
    return steps[within], cell["training_loss"].values[within]


def number(x, digits=3):
    return "–" if not np.isfinite(x) else f"{x:.{digits}g}"


def row(name, cells, options):
    """A line of the table: medians over seeds, in which one that is not complete counts as infinite."""
    seeds = [cells.isel(repeat=i) for i in range(cells.sizes["repeat"])]
    found = [complete_from(*records(cell), options.threshold, options.smooth) for cell in seeds]
    minutes = [step * float(cell["training_seconds"]) / 60 / float(cell["training_steps"]) for step, cell in zip(found, seeds)]
    done = sum(map(np.isfinite, found))
    step = statistics.median(found)
    spread = f"{number(step, 5)} [{number(min(found), 5)}, {number(max(found), 5)}]"
    errors = [number(statistics.median(float(cell["error_mean"].isel(m=-1).sel(k=k)) for cell in seeds)) if k in cells["k"] else "–"
              for k in STEPS_OF_CHAIN]
    floor = statistics.median(float(cell["final_loss"]) for cell in seeds)
    return [name, f"{done} of {len(found)}", spread, number(statistics.median(minutes)), number(floor), *errors]


def table(results, options):
    heads = ["variant", "complete", "steps until complete", "CPU minutes until complete", "final loss"]
    heads += [f"error, k = {k}" for k in STEPS_OF_CHAIN]
    print(f"Complete: from the first step on from which the training loss (mean of {options.smooth} records) stays below {options.threshold:g}. "
          f"Medians over seeds [least, most]; – where it is not reached.\n")
    print("| " + " | ".join(heads) + " |\n|" + "---|" * len(heads))
    for n in results["n"].values:
        for name in results["model"].values:
            cells = results.sel(model=name, n=n).isel(mixture=0, hardness=0)
            label = f"{name}, n = {n}" if results.sizes["n"] > 1 else str(name)
            print("| " + " | ".join(row(label, cells, options)) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=lambda p: pathlib.Path(p).resolve(), default=(HERE / "../../build/release").resolve())
    parser.add_argument("--base", type=pathlib.Path, default=HERE / "complete.toml")
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=2 if SMOKE else 5)
    parser.add_argument("--threshold", type=float, default=0.25)
    parser.add_argument("--smooth", type=int, default=5, help="records, odd")
    parser.add_argument("--output", type=pathlib.Path)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("variants", nargs="*", default=["base"])
    options = parser.parse_args()
    if SMOKE:
        options.set += ["test.prompts=32", "sweep.record_every=2"]
        options.set += [f"models.{variant_of(word)[0]}.{key}" for word in options.variants for key in ("steps=6", "warm_up=1", "batch=4")]
    with tempfile.TemporaryDirectory() as folder:
        table(run(options, options.variants, pathlib.Path(folder)), options)


main()
