#!/usr/bin/env python3
"""GPT-2-style models, one thread: steps of Adam and roll-outs, cotscale against PyTorch, in turn, medians; two threads against two
processes; memory. Usage: gpt2.py [BUILD_DIRECTORY] [SIZE ...]"""
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else HERE / "../../build/release").resolve()
SMOKE = "COTSCALE_SMOKE" in os.environ  # see run.sh
SIZES = sys.argv[2:] or (["tiny"] if SMOKE else ["tiny", "small", "standard"])
REPETITIONS = {"tiny": 1 if SMOKE else 5, "small": 3, "standard": 2}
LIMITS = {"tiny": (2.5, 3), "small": (1.8, None), "standard": (1.25, 1.5)}  # of a step, of a roll-out with a cache


def python_with_torch():
    for python in "/usr/bin/python3", sys.executable, "python3":
        if subprocess.run([python, "-c", "import torch"], capture_output=True).returncode == 0:
            return python
    sys.exit("gpt2: needs a Python with PyTorch; Debian: apt-get install --no-install-recommends python3-torch")


def start(*command, threads=1):
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS="1")
    return subprocess.Popen(list(map(str, command)), env=environment, stdout=subprocess.PIPE, text=True)


def numbers(process):
    output, _ = process.communicate()
    if process.returncode != 0:
        sys.exit(f"gpt2: {process.args} failed")
    return list(map(float, output.split()))


def medians(rows):
    return [statistics.median(column) for column in zip(*rows)]


def in_turn(size, what, python):
    """Ours and the peer's numbers."""
    ours, theirs = [], []
    for _ in range(REPETITIONS[size]):
        ours.append(numbers(start(BUILD / "bench_gpt2", size, what)))
        theirs.append(numbers(start(python, HERE / "peers/gpt2.py", size, what)))
    return medians(ours), medians(theirs)


def limit(ratio, bound):
    return f"{ratio:.2f}" + ("" if bound is None else f" (limit {bound}{'' if ratio >= bound else ': MISSED'})")


def compare(size, python):
    (step, operations, rate), (peer_step,) = in_turn(size, "steps", python)
    achieved = operations / step * 1e3
    print(f"{size}: step {step:.0f} ms, PyTorch {peer_step:.0f} ms, ratio {limit(peer_step / step, LIMITS[size][0])}; "
          f"{achieved:.0f} GFLOP/s, of sgemm's {rate:.0f}: {limit(achieved / rate, 0.7 if size == 'standard' else None)}")
    (chain,), (recomputed, cached) = in_turn(size, "chain", python)
    print(f"{size}: roll-out of 20 steps {chain:.0f} ms, PyTorch recomputing {recomputed:.0f} ms, ratio "
          f"{limit(recomputed / chain, 10)}, with a cache {cached:.0f} ms, ratio {limit(cached / chain, LIMITS[size][1])}")


def compare_prefixes(size):
    without, with_prefixes = medians([numbers(start(BUILD / "bench_gpt2", size, "prefixes")) for _ in range(REPETITIONS[size])])
    print(f"{size}: d = 5, n = 20: {without:.0f} tokens a second of CPU, with the loss of prefixes {with_prefixes:.0f}, ratio {with_prefixes / without:.2f}")


def compare_threads(size):
    ratios = []
    for _ in range(REPETITIONS[size]):
        apart = [start(BUILD / "bench_gpt2", size, "threads") for _ in range(2)]
        alone = [numbers(process)[0] for process in apart]
        together = numbers(start(BUILD / "bench_gpt2", size, "threads", threads=2))[0]
        ratios.append(statistics.harmonic_mean(alone) / 2 / together)
    print(f"{size}: throughput of two threads over two processes of one: {limit(statistics.median(ratios), 0.9)}")


def main():
    python = python_with_torch()
    for size in SIZES:
        compare(size, python)
        compare_threads(size)
        compare_prefixes(size)
    for threads in 1, 2:
        megabytes = numbers(start(BUILD / "bench_gpt2", "tiny" if SMOKE else "standard", "memory", threads=threads))[0]
        print(f"standard, batch 64, 101 tokens, {threads} threads: {megabytes:.0f} MB{'' if megabytes <= 700 else ': MISSED'} (limit 700)")


main()
