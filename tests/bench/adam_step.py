#!/usr/bin/env python3
"""Steps of Adam on all of LSA's parameters, one thread: cotscale against PyTorch's autograd. Usage: adam_step.py [BUILD_DIRECTORY]

Each side prints us a step, us of random numbers, the first loss, the loss around step 90."""
import pathlib
import sys

from pairs import SMOKE, in_turn, python_with_torch, require_same_work

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else HERE / "../../build/release").resolve()

python = python_with_torch()
print("CPU us a step (of which drawing prompts), one thread; the last columns: how many times longer PyTorch takes")
print(f"{'d':>4}{'n':>5}{'batch':>7} {'cotscale, double':>17} {'torch, single':>15} {'torch, double':>15}   single double")
for sizes in [(3, 5, 16)] if SMOKE else [(5, 20, 256), (20, 40, 256)]:
    rows = in_turn((BUILD / "bench_adam_step", *sizes), (python, HERE / "peers/lsa_adam.py", *sizes))
    (ours, our_draw, *losses), (single, single_draw, *_), (double, double_draw, *_) = rows
    require_same_work(losses, [row[2:] for row in rows[1:]])
    d, n, batch = sizes
    print(f"{d:4}{n:5}{batch:7} {ours:11.0f} ({our_draw / ours:3.0%}) {single:9.0f} ({single_draw / single:3.0%})"
          f" {double:9.0f} ({double_draw / double:3.0%})   {single / ours:6.1f} {double / ours:6.1f}")
