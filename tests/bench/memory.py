#!/usr/bin/env python3
"""Peak memory of each rank for every preset: against what `cotscale plan` says, and against 200 MB, or 700 MB for transformers.

Transformers take three steps only: they need as much for three as for all. A preset for `cotscale select` has one process, and no plan.

Usage: memory.py [BUILD_DIRECTORY] [RANKS]
"""
import os
import pathlib
import re
import resource
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from presets import PRESETS, command, tiny  # noqa: E402

SMOKE = "COTSCALE_SMOKE" in os.environ  # see run.sh
HERE = pathlib.Path(__file__).resolve().parent
LIMIT, TRANSFORMER_LIMIT = 200e6, 700e6
THREE_STEPS = ("models.gpt2.steps=3", "models.gpt2.warm_up=0", "sweep.repeats=1", "test.prompts=64")
SHORT_CURRICULUM = tuple(f"models.gpt2.{of}_{key}" for of in ("dimension", "examples") for key in ("step=100", "every=1"))
AS_ROOT = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1") if os.geteuid() == 0 else None
UNITS = {"kB": 1e3, "MB": 1e6, "GB": 1e9}


def one_rank(words):
    """Under mpirun: runs a command and says how much memory it had at most.

    In a file beside its output: mpirun mixes what ranks print at the same time.
    """
    code = subprocess.run(words, stdout=subprocess.DEVNULL).returncode
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    pathlib.Path(words[words.index("--output") + 1]).with_name(f"peak.{os.getpid()}").write_text(str(peak))
    sys.exit(code)


def is_transformer(preset):
    return "models.gpt2" in preset.read_text()


def shortened(preset):
    if SMOKE:
        return tiny(preset)
    keys = THREE_STEPS if is_transformer(preset) else ()
    keys += SHORT_CURRICULUM if "dimension_start" in preset.read_text() else ()
    return [word for key in keys for word in ("--set", key)]


def peaks(cotscale, preset, ranks):
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, __file__, "--rank", cotscale, command(preset), str(preset), "--output", f"{folder}/results.h5"]
        if command(preset) == "run":
            words = ["mpirun", "-n", str(ranks), *words, "--progress", "none"]
        subprocess.run([*words, *shortened(preset)], env=AS_ROOT, check=True, capture_output=True)
        return [int(path.read_text()) for path in pathlib.Path(folder).glob("peak.*")]


def planned(cotscale, preset):
    output = subprocess.run([cotscale, "plan", str(preset), *shortened(preset)], check=True, capture_output=True, text=True).stdout
    value, unit = re.search(r"^memory +([\d.]+) (\w+)", output, re.MULTILINE).groups()
    return float(value) * UNITS[unit]


def main(build=HERE / "../../build/release", ranks=2):
    cotscale = str((pathlib.Path(build) / "cotscale").resolve())
    print(f"{'preset':<16}{'largest rank':>14}{'over plan':>12}{'over limit':>13}   (of {ranks} ranks)")
    worst = 0
    for preset in PRESETS:
        peak = max(peaks(cotscale, preset, ranks))
        share = peak / (TRANSFORMER_LIMIT if is_transformer(preset) else LIMIT)
        worst = max(worst, share)
        over_plan = f"{peak / planned(cotscale, preset):.2f}" if command(preset) == "run" else "-"
        print(f"{preset.stem:<16}{peak / 1e6:>11.0f} MB{over_plan:>12}{share:>13.2f}", flush=True)
    sys.exit(0 if worst < 1 else 1)


if sys.argv[1:2] == ["--rank"]:
    one_rank(sys.argv[2:])
else:
    main(*sys.argv[1:])
