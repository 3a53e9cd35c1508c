"""Runs the built program as a user would. $COTSCALE is the binary, $MPIRUN Open MPI's launcher."""

import os
import pathlib
import signal
import subprocess
import time

import h5py
import numpy
import pytest

from interrupting import SLOW

COTSCALE = os.environ["COTSCALE"]
MPIRUN = os.environ["MPIRUN"]
LONG = os.environ.get("COTSCALE_LONG") == "1"

SPEC = """
[sweep]
name = "regression"
models = ["descent", "closed"]
mixtures = ["matched", "skewed", "mine"]
hardness = [6.0, 12.0]
n = [3, 10]
repeats = 2

[task]
d = 5

[target]
rotation = "independent"

[test]
k = 5
m = [2, 20]
prompts = 100

[models.descent]
architecture = "lsa"

[models.closed]
architecture = "lsa"
training = "closed_form"

[mixtures.mine]
spectrum = "list"
eigenvalues = [3, 1, 1, 0.5, 0]
"""

# Models that learn from samples, mixtures of drawn tasks, stored weights.
LEARNING_SPEC = """
[sweep]
name = "learning"
models = ["learned", "exact_optimum"]
mixtures = ["matched", "exact", "uniform", "mine"]
n = [10]
repeats = 2

[task]
d = 5

[target]
spectrum = "power_law"
exponent = 0.5
rotation = "independent"

[tasks]
exponents = [0.2, 0.8]
directions = [3, 5]
each = 2

[select]
m = 50
k = 3
max_samples = 64

[test]
k = 5
m = [2, 20]
prompts = 100

[models.learned]
architecture = "lsa"
training = "samples"
objective = "rollout"
k_train = 3
steps = 40
batch = 100
keep_weights = true

[models.exact_optimum]
architecture = "lsa"

[mixtures.mine]
probabilities = [1, 2, 0, 4, 1, 1, 1, 1]
"""

# A transformer small enough for a test, beside linear self-attention.
GPT2_SPEC = """
[sweep]
name = "transformer"
models = ["gpt2", "lsa"]
mixtures = ["matched", "skewed"]
hardness = 6.0
n = [4, 8]
repeats = 1

[task]
d = 3

[test]
k = 3
m = [4, 8]
prompts = 50

[models.gpt2]
architecture = "gpt2"
size = "free"
layers = 2
heads = 2
width = 16
objective = "rollout"
k_train = 3
steps = 5
batch = 24
keep_weights = true
dimension_start = 1
dimension_every = 2

[models.lsa]
architecture = "lsa"
"""

# A choice among drawn tasks, for `cotscale select`.
SELECTION_SPEC = """
[task]
d = 6

[target]
spectrum = "power_law"
exponent = 0.5

[tasks]
exponents = [0.2, 0.8]
directions = [3, 6]
each = 2

[select]
n = 10
m = 20
k = 2
draws = 3
"""

# The cell's own record: how it was computed, not what.
RECORD = {"attempt", "rank", "start_time", "wall_seconds", "training_seconds", "tokens_per_second", "record_checksum"}


class Program:
    """The program in a directory of its own, with spec.toml and out.h5."""

    def __init__(self, directory):
        self.directory = directory
        self.spec = directory / "spec.toml"
        self.out = directory / "out.h5"
        self.spec.write_text(SPEC)

    def command(self, *arguments, ranks=0):
        launcher = [MPIRUN, "-n", str(ranks), "--bind-to", "none"] if ranks else []
        return [*launcher, COTSCALE, *map(str, arguments)]

    def environment(self, threads=1, **extra):
        return {**os.environ, "OMP_NUM_THREADS": str(threads), **extra}

    def __call__(self, *arguments, **options):
        """Runs to the end and checks the exit code; returns what it printed on both streams."""
        done = self.done(*arguments, **options)
        return done.stdout + done.stderr

    def stdout(self, *arguments, **options):
        """The same, without what it tells on the way: on a slow machine that is more."""
        return self.done(*arguments, **options).stdout

    def done(self, *arguments, ranks=0, threads=1, code=0, timeout=120, **popen):
        done = subprocess.run(self.command(*arguments, ranks=ranks), env=self.environment(threads), cwd=self.directory,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, **popen)
        assert done.returncode == code, (f"exit code {done.returncode}, expected {code}:\n"
                                         f"{done.stdout}{done.stderr}")
        return done

    def run(self, *arguments, ranks=2, **options):
        return self("run", self.spec, "--output", self.out, *arguments, ranks=ranks, **options)

    def start(self, *arguments, ranks=2):
        """Starts a run in a process group of its own and returns it."""
        return subprocess.Popen(self.command("run", self.spec, "--output", self.out, *arguments, ranks=ranks),
                                env=self.environment(), cwd=self.directory, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)

    def payload(self):
        """Everything that must not depend on how it was computed, as bytes."""
        out = {}

        def add(name, data):
            if isinstance(data, h5py.Dataset) and name not in RECORD and not name.startswith("integrity/"):
                out[name] = data[()].tobytes() if data.dtype != object else list(numpy.atleast_1d(data[()]))

        with h5py.File(self.out) as f:
            f.visititems(add)
        return out

    def status(self):
        with h5py.File(self.out) as f:
            return f["status"][()].ravel()


def kill_ranks(process):
    """SIGKILL for mpirun and its ranks at once: nobody can clean up."""
    children = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True).stdout.split()
    for pid in map(int, children):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    process.kill()
    process.wait()


def wait_until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.01)


@pytest.fixture
def program(tmp_path):
    return Program(pathlib.Path(tmp_path))


@pytest.fixture(scope="session")
def uninterrupted(tmp_path_factory):
    """The payload of interrupting.SLOW, computed in one go."""
    program = Program(tmp_path_factory.mktemp("uninterrupted"))
    program.run(*SLOW)
    return program.payload()


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """A complete file of each kind (damaging.SPECS)."""
    from damaging import complete_files  # which needs what stands above

    return complete_files(tmp_path_factory)
