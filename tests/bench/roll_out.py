#!/usr/bin/env python3
"""Roll-outs on one thread: cotscale against PyTorch. Usage: roll_out.py [BUILD_DIRECTORY]

Each side prints us a prompt, us of drawing it, the mean error after 1 step, after 5."""
import pathlib
import sys

from pairs import SMOKE, in_turn, python_with_torch, require_same_work

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else HERE / "../../build/release").resolve()

python = python_with_torch()
print("CPU us a prompt (of which random numbers), one thread; the last columns: how many times longer PyTorch takes")
print(f"{'d':>4}{'m':>6}{'K':>4} {'cotscale':>15} {'torch.randn':>16} {'torch, NumPy':>16}   torch.randn  NumPy  without random numbers")
SIZES = [(5, 10, 6, 80)] if SMOKE else [(10, 100, 30, 8000), (10, 1000, 30, 8000), (100, 400, 30, 400)]
for d, m, K, prompts in SIZES:
    rows = in_turn((BUILD / "bench_roll_out", d, m, K, prompts), (python, HERE / "peers/lsa.py", d, m, K, prompts // 4))
    (ours, our_draw, *errors), (torch, torch_draw, *_), (numpy, numpy_draw, *_) = rows
    require_same_work(errors, [row[2:] for row in rows[1:]])
    print(f"{d:4}{m:6}{K:4} {ours:9.2f} ({our_draw / ours:3.0%}) {torch:10.1f} ({torch_draw / torch:3.0%})"
          f" {numpy:10.1f} ({numpy_draw / numpy:3.0%})   {torch / ours:11.1f} {numpy / ours:6.1f}"
          f"  {(numpy - numpy_draw) / (ours - our_draw):22.1f}")
