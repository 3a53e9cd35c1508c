"""What the benchmarks against PyTorch share: both sides in turn, on one thread, medians of what they print."""
import os
import statistics
import subprocess
import sys

SMOKE = "COTSCALE_SMOKE" in os.environ  # see run.sh
REPETITIONS = 1 if SMOKE else 5
ONE_THREAD = dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")


def python_with_torch():
    for python in "/usr/bin/python3", sys.executable, "python3":
        if subprocess.run([python, "-c", "import torch, numpy"], capture_output=True).returncode == 0:
            return python
    sys.exit("needs a Python with PyTorch; Debian: apt-get install --no-install-recommends python3-torch python3-numpy")


def measure(*command):
    """The numbers that a command prints, a list for every line."""
    output = subprocess.run(list(map(str, command)), env=ONE_THREAD, check=True, capture_output=True, text=True).stdout
    return [list(map(float, line.split())) for line in output.splitlines()]


def in_turn(*commands):
    """Runs all commands in turn, several times; the medians of each line that they print."""
    rounds = [[row for command in commands for row in measure(*command)] for _ in range(REPETITIONS)]
    return [list(map(statistics.median, zip(*rows))) for rows in zip(*rounds)]


def require_same_work(ours, others):
    """The same work, or the comparison is void: means agree as far as so few prompts can say."""
    for other in others:
        assert SMOKE or all(abs(a / b - 1) < 0.2 for a, b in zip(ours, other)), (ours, other)
