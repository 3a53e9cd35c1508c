#!/usr/bin/env python3
"""Steps of Adam on all of LSA's parameters, one thread: cotscale against PyTorch's autograd, in turn, medians.
Usage: adam_step.py [BUILD_DIRECTORY]"""
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else HERE / "../../build/release").resolve()
REPETITIONS = 5
ONE_THREAD = dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")


def python_with_torch():
    for python in "/usr/bin/python3", sys.executable, "python3":
        if subprocess.run([python, "-c", "import torch"], capture_output=True).returncode == 0:
            return python
    sys.exit("adam_step: needs a Python with PyTorch; Debian: apt-get install --no-install-recommends python3-torch")


def measure(*command):
    """Lines of: us a step, us of random numbers, first loss, loss around step 90."""
    output = subprocess.run(list(map(str, command)), env=ONE_THREAD, check=True, capture_output=True, text=True).stdout
    return [list(map(float, line.split())) for line in output.splitlines()]


def main():
    python = python_with_torch()
    print("CPU us a step (of which drawing prompts), one thread; the last columns: how many times longer PyTorch takes")
    print(f"{'d':>4}{'n':>5}{'batch':>7} {'cotscale, double':>17} {'torch, single':>15} {'torch, double':>15}   single double")
    for d, n, batch in (5, 20, 256), (20, 40, 256):
        sides = [[], [], []]
        for _ in range(REPETITIONS):
            rows = measure(BUILD / "bench_adam_step", d, n, batch) + measure(python, HERE / "peers/lsa_adam.py", d, n, batch)
            for side, row in zip(sides, rows):
                side.append(row)
        (ours, our_draw, *our_losses), *others = [list(map(statistics.median, zip(*side))) for side in sides]
        for _, _, *losses in others:
            # The same work, or the comparison is void: losses agree as far as so few prompts can say.
            assert all(abs(a / b - 1) < 0.2 for a, b in zip(our_losses, losses)), (our_losses, losses)
        (single, single_draw, *_), (double, double_draw, *_) = others
        print(f"{d:4}{n:5}{batch:7} {ours:11.0f} ({our_draw / ours:3.0%}) {single:9.0f} ({single_draw / single:3.0%})"
              f" {double:9.0f} ({double_draw / double:3.0%})   {single / ours:6.1f} {double / ours:6.1f}")


main()
