#!/usr/bin/env python3
"""Idle share of the other ranks while rank 0 computes long cells. Usage: scheduler_idle.py [--long] [BUILD_DIRECTORY [RANKS]]

Over shared memory and over TCP: run_sweep (which also stores), its ticket counter alone, and a one-sided counter, in turn; medians.
"""
import os
import pathlib
import statistics
import subprocess
import sys

ARGUMENTS = [a for a in sys.argv[1:] if a != "--long"]
BUILD = pathlib.Path(ARGUMENTS[0] if ARGUMENTS else pathlib.Path(__file__).parent / "../../build/release").resolve()
RANKS = ARGUMENTS[1] if len(ARGUMENTS) > 1 else "2"
if "COTSCALE_SMOKE" in os.environ:  # see run.sh
    ROOT, OTHER, SECONDS, REPETITIONS = "0.2", "0.05", "0.4", 1
else:
    ROOT, OTHER, SECONDS, REPETITIONS = ("10", "0.3", "20", 3) if "--long" in sys.argv else ("2", "0.3", "4", 3)
AS_ROOT = dict(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1") if os.geteuid() == 0 else {}
SIDES = "run_sweep", "ticket_counter", "one_sided"
# Between hosts there are no windows in shared memory (osc sm), so not here either.
TRANSPORTS = {"shared memory": [], "TCP": ["--mca", "btl", "tcp,self", "--mca", "osc", "^sm"]}
LIMIT = 0.01


def measure(options, side):
    command = ["mpirun", "-n", RANKS, *options, "./bench_scheduler_idle", side, ROOT, OTHER, SECONDS]
    output = subprocess.run(command, cwd=BUILD, env={**os.environ, **AS_ROOT}, check=True, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, text=True).stdout
    return list(map(float, output.split()))


print(f"{RANKS} ranks, cells of {ROOT} s on rank 0 and {OTHER} s elsewhere, {REPETITIONS} runs of {SECONDS} s each")
print(f"{'others idle (longest wait)':<28}" + "".join(f"{side:>24}" for side in SIDES) + "   run_sweep: over one_sided, over 1 %")
for name, options in TRANSPORTS.items():
    runs = [[measure(options, side) for side in SIDES] for _ in range(REPETITIONS)]
    idle, longest = ([statistics.median(values) for values in zip(*([side[i] for side in run] for run in runs))] for i in (0, 1))
    print(f"{name:<28}" + "".join(f"{share:>10.3%} ({wait * 1e3:7.1f} ms)" for share, wait in zip(idle, longest))
          + f"{idle[0] / idle[2]:>23.4f}{idle[0] / LIMIT:>12.2f}", flush=True)
