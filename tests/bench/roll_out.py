#!/usr/bin/env python3
"""Roll-outs on one thread: cotscale against PyTorch, in turn, medians. Usage: roll_out.py [BUILD_DIRECTORY]"""
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
        if subprocess.run([python, "-c", "import torch, numpy"], capture_output=True).returncode == 0:
            return python
    sys.exit("roll_out: needs a Python with PyTorch; Debian: apt-get install --no-install-recommends python3-torch python3-numpy")


def measure(*command):
    """Lines of: us a prompt, us of random numbers, error after 1 step, after 5."""
    output = subprocess.run(list(map(str, command)), env=ONE_THREAD, check=True, capture_output=True, text=True).stdout
    return [list(map(float, line.split())) for line in output.splitlines()]


def main():
    python = python_with_torch()
    print("CPU us a prompt (of which random numbers), one thread; the last columns: how many times longer PyTorch takes")
    print(f"{'d':>4}{'m':>6}{'K':>4} {'cotscale':>15} {'torch.randn':>16} {'torch, NumPy':>16}   torch.randn  NumPy  without random numbers")
    for d, m, K, prompts in (10, 100, 30, 2000), (10, 1000, 30, 1000), (100, 400, 30, 200):
        sides = [[], [], []]
        for _ in range(REPETITIONS):
            rows = measure(BUILD / "bench_roll_out", d, m, K, prompts) + measure(python, HERE / "peers/lsa.py", d, m, K, prompts)
            for side, row in zip(sides, rows):
                side.append(row)
        (ours, our_draw, *our_errors), *others = [list(map(statistics.median, zip(*side))) for side in sides]
        for _, _, *errors in others:
            # The same work, or the comparison is void: errors agree as far as so few prompts can say.
            assert all(abs(a / b - 1) < 0.2 for a, b in zip(our_errors, errors)), (our_errors, errors)
        (torch, torch_draw, *_), (numpy, numpy_draw, *_) = others
        print(f"{d:4}{m:6}{K:4} {ours:9.1f} ({our_draw / ours:3.0%}) {torch:10.1f} ({torch_draw / torch:3.0%})"
              f" {numpy:10.1f} ({numpy_draw / numpy:3.0%})   {torch / ours:11.1f} {numpy / ours:6.1f}"
              f"  {(numpy - numpy_draw) / (ours - our_draw):22.1f}")


main()
