#!/usr/bin/env python3
"""GPT-2-style models, one thread: steps of Adam and roll-outs, cotscale against PyTorch and JAX, in turn, medians; two threads against two
processes; memory. Usage: gpt2.py [BUILD_DIRECTORY] [SIZE ...]"""
import os
import statistics
import subprocess
import sys

from pairs import BUILD, REPETITIONS, SMOKE, in_turn, limit, measure, peers, print_peers, require_same_numbers

SIZES = sys.argv[2:] or (["tiny"] if SMOKE else ["tiny", "small", "standard"])
REPEATED = {"tiny": REPETITIONS, "small": min(3, REPETITIONS), "standard": min(2, REPETITIONS)}
# Debian's PyTorch and the best modern peer over ours: a step, a roll-out with a cache.
LIMITS = {"tiny": ((3.8, 2), (6, None)), "small": ((2.8, 1.5), (4, None)), "standard": ((2, 1.2), (2.5, None))}
TOLERANCE = 1e-4  # relative, of what peers compute in single precision


def compare(size, found):
    def times(what):
        rows = in_turn((BUILD / "bench_gpt2", size, what), *((*peer.command, size, what) for peer in found), repetitions=REPEATED[size])
        return [lines[0] for lines in rows]

    require_same_numbers(found, [measure(*peer.command, size, "check")[0] for peer in found], TOLERANCE)
    (step, operations, peak), *others = times("steps")
    achieved = operations / step * 1e3
    print(f"{size}: step {step:.0f} ms, {achieved:.0f} GFLOP/s of products, of the core's {peak:.0f}: "
          f"{limit(achieved / peak, 0.7 if size == 'tiny' else 0.8)}")
    print_peers(found, [row[0] for row in others], step, LIMITS[size][0])
    (chain,), *others = times("chain")
    recomputed = others[0][0]
    print(f"{size}: roll-out of 20 steps {chain:.0f} ms, Debian's PyTorch recomputing {recomputed:.0f} ms, ratio "
          f"{limit(recomputed / chain, 10)}; with a cache")
    print_peers(found, [row[-1] for row in others], chain, LIMITS[size][1])


def start(*command, threads):
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS="1")
    return subprocess.Popen(list(map(str, command)), env=environment, stdout=subprocess.PIPE, text=True)


def number(process):
    output, _ = process.communicate()
    if process.returncode != 0:
        sys.exit(f"gpt2: {process.args} failed")
    return float(output)


def compare_prefixes(size):
    (((without, with_prefixes),),) = in_turn((BUILD / "bench_gpt2", size, "prefixes"), repetitions=REPEATED[size])
    print(f"{size}: d = 5, n = 20: {without:.0f} tokens a second of CPU, with the loss of prefixes {with_prefixes:.0f}, "
          f"ratio {with_prefixes / without:.2f}")


def compare_threads(size):
    ratios = []
    for _ in range(REPEATED[size]):
        apart = [start(BUILD / "bench_gpt2", size, "threads", threads=1) for _ in range(2)]
        alone = [number(process) for process in apart]
        together = number(start(BUILD / "bench_gpt2", size, "threads", threads=2))
        ratios.append(1 / sum(1 / seconds for seconds in alone) / together)
    print(f"{size}: throughput of two threads over two processes of one: {limit(statistics.median(ratios), 0.9)}")


def main():
    found = peers(("gpt2.py",), "gpt2_torch2.py", "gpt2_jax.py")
    for size in SIZES:
        compare(size, found)
        compare_threads(size)
        compare_prefixes(size)
    for threads in 1, 2:
        megabytes = number(start(BUILD / "bench_gpt2", "tiny" if SMOKE else "standard", "memory", threads=threads))
        print(f"standard, batch 64, 101 tokens, {threads} threads: {megabytes:.0f} MB{'' if megabytes <= 700 else ': MISSED'} (limit 700)")


main()
