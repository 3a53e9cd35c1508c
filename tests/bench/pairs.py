"""What the benchmarks against PyTorch and JAX share: the peers, both sides in turn, on one thread, medians of what they print."""
import os
import pathlib
import statistics
import subprocess
import sys
from typing import NamedTuple

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else HERE / "../../build/release").resolve()
SMOKE = "COTSCALE_SMOKE" in os.environ  # see run.sh
REPETITIONS = 1 if SMOKE else int(os.environ.get("REPETITIONS", 5))
MODERN = os.environ.get("COTSCALE_MODERN_PEERS")  # a directory, see run.sh and modern.py
ONE_THREAD = dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1", TORCHINDUCTOR_COMPILE_THREADS="1")
if MODERN:  # What is compiled is kept, so that a peer that starts again does not compile again.
    ONE_THREAD |= {"TORCHINDUCTOR_CACHE_DIR": f"{MODERN}/compiled-torch", "JAX_COMPILATION_CACHE_DIR": f"{MODERN}/compiled-jax",
                   "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0", "TF_CPP_MIN_LOG_LEVEL": "3"}


class Peer(NamedTuple):
    name: str
    command: tuple


def python_with_torch():
    for python in "/usr/bin/python3", sys.executable, "python3":
        if subprocess.run([python, "-c", "import torch, numpy"], capture_output=True).returncode == 0:
            return python
    sys.exit("needs a Python with PyTorch; Debian: apt-get install --no-install-recommends python3-torch python3-numpy")


def peers(torch, torch2, jax):
    """Debian's PyTorch first; the modern ones where run.sh --modern made them. Arguments: the scripts in peers/, and the words that
    choose what they do."""
    def script(python, name, *words):
        return python, HERE / "peers" / name, *words

    found = [Peer("Debian's PyTorch", script(python_with_torch(), *torch))]
    if MODERN:
        python = pathlib.Path(MODERN) / "bin/python"
        found += [Peer(f"PyTorch 2, {mode}", script(python, torch2, mode)) for mode in ("eager", "compiled")]
        found.append(Peer("JAX", script(python, jax)))
    return found


def measure(*command):
    """The numbers that a command prints, a list for every line."""
    done = subprocess.run(list(map(str, command)), env=ONE_THREAD, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stderr}")
    return [list(map(float, line.split())) for line in done.stdout.splitlines()]


def in_turn(*commands, repetitions=REPETITIONS):
    """Runs all commands in turn, several times; for each the medians of its lines."""
    rounds = [[measure(*command) for command in commands] for _ in range(repetitions)]
    return [[list(map(statistics.median, zip(*rows))) for rows in zip(*runs)] for runs in zip(*rounds)]


def require_same_work(ours, others):
    """The same work, or the comparison is void: means agree as far as so few prompts can say."""
    for other in others:
        assert SMOKE or all(abs(a / b - 1) < 0.2 for a, b in zip(ours, other)), (ours, other)


def require_same_numbers(peers, rows, tolerance):
    """What the peers make of the work that all of them are given is, relatively, what the first makes of it."""
    for peer, row in zip(peers, rows):
        assert len(row) == len(rows[0]) and all(abs(a - b) <= tolerance * abs(b) for a, b in zip(row, rows[0])), (peer.name, row, rows[0])


def limit(ratio, bound):
    return f"{ratio:.2f}" + ("" if bound is None or SMOKE else f" (limit {bound}{'' if ratio >= bound else ': MISSED'})")


def print_peers(peers, times, ours, bounds=(None, None), unit="ms"):
    """A line for every peer with its time and its time over ours, and one for the best of the modern peers. The bounds are those of the
    ratios to Debian's and to the best modern peer."""
    for i, (peer, time) in enumerate(zip(peers, times)):
        print(f"    {peer.name:21}{time:10.{0 if time >= 100 else 2}f} {unit}, ratio {limit(time / ours, None if i else bounds[0])}")
    if len(peers) > 1:
        best = min(range(1, len(peers)), key=times.__getitem__)
        print(f"    the best modern peer is {peers[best].name}: ratio {limit(times[best] / ours, bounds[1])}")
        print(f"    the best peer of all: ratio {min(times) / ours:.2f}", flush=True)
