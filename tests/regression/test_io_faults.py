"""Every operation on the results file made to fail in turn (tests/support/io_faults.cpp): no crash, no hang, the right exit code, and the same
command without faults ends the sweep. COTSCALE_LONG=1: all of them; else some of each kind."""

import os
import subprocess

import h5py
import pytest

from conftest import LONG
from specifications import specification

SPEC = specification(
    models={"closed": {"training": "closed_form"}}, task={"d": 3}, sweep={"n": [3, 10], "repeats": 2},
    test={"k": 1, "m": [300], "prompts": 2000, "sampler": "explicit", "baselines": False})

ERRORS = {
    "open": ["EIO", "ENOSPC"],
    "read": ["EIO", "short"],
    "write": ["EIO", "ENOSPC", "short"],
    "sync": ["EIO", "ENOSPC"],
    "truncate": ["EIO"],
    "allocate": ["EIO", "ENOSPC"],
    "rename": ["EIO", "ENOSPC"],
    "close": ["EIO", "ENOSPC"],
    "lock": ["EIO", "ENOLCK", "EOPNOTSUPP"],
}

DAMAGE = ("damaged", "not HDF5", "not a results file", "is HDF5")  # words for a file that is at fault


class Faults:
    """A tiny sweep and its operations on files whose path contains `where`."""

    def __init__(self, program):
        self.program = program
        program.spec.write_text(SPEC)
        self.where = str(program.out)

    def start(self, *arguments, ranks=0, timeout=60, **faults):
        extra = {"LD_PRELOAD": os.environ["IO_FAULTS"], "IO_FAULTS_PATH": self.where,
                 **{f"IO_FAULTS_{key.upper()}": str(value) for key, value in faults.items()}}
        # Not for mpirun itself, which opens none of these files but waits for what it has preloaded.
        command = self.program.command(*arguments)
        if ranks:
            settings = [word for key in extra for word in ("-x", key)]
            command = self.program.command(*arguments, ranks=ranks)
            command = [command[0], *settings, *command[1:]]
        return subprocess.run(command, env=self.program.environment(**extra), cwd=self.program.directory, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=timeout)

    def run(self, ranks, **faults):
        return self.start("run", self.program.spec, "--output", self.program.out, ranks=ranks, **faults)

    def counts(self, *arguments, ranks=0):
        """How often each rank makes each call: {(rank, call): count}."""
        file = self.program.directory / "counts"
        done = self.start(*arguments, ranks=ranks, counts=file)
        assert done.returncode == 0, done.stdout + done.stderr
        counts = {}
        for line in file.read_text().splitlines():
            rank, call, count = line.split()
            counts[int(rank), call] = max(int(count), counts.get((int(rank), call), 0))
        file.unlink()
        return counts

    def clear(self):
        for file in self.program.directory.glob("out.h5*"):
            file.unlink()


@pytest.fixture
def faults(program):
    return Faults(program)


def some(count, few):
    """Numbers from 1 to `count`: all, or `few` spread over them with the first and the last."""
    if count <= few:
        return list(range(1, count + 1))
    return sorted({1 + round(i * (count - 1) / max(1, few - 1)) for i in range(few)})


def cases(counts, few):
    for (rank, call), count in sorted(counts.items()):
        for number in some(count, LONG_FEW.get(call, count) if LONG else few.get(call, 1)):
            yield rank, call, number, ERRORS[call][number % len(ERRORS[call])]


def check(faults, ranks, case):
    rank, call, number, error = case
    done = faults.run(ranks, rank=rank, call=call, number=number, error=error)
    text = f"{case} at {ranks} ranks: exit code {done.returncode}\n{done.stdout}{done.stderr}"
    assert done.returncode in (0, 74), text
    assert "MPI_ABORT" not in text and "mpirun" not in text, text
    if error == "short":
        assert done.returncode == 0, text
    if done.returncode == 0:
        assert "4 of 4 cells done" in done.stdout, text
    else:
        assert not any(word in text for word in DAMAGE), text
    assert not os.path.exists(f"{faults.program.out}.creating"), text
    # A lock whose removal failed is a dead process's.
    assert "4 of 4 cells done" in faults.program.run(ranks=0), text
    faults.program("verify", faults.program.out)
    faults.clear()
    return done.returncode


LONG_FEW = {"read": 40}
FEW = {1: {"write": 6, "read": 2, "open": 2, "close": 2, "sync": 2}, 2: {"write": 2}}


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_run_whose_files_fail(faults, ranks):
    command = ("run", faults.program.spec, "--output", faults.program.out)
    counts = faults.counts(*command, ranks=0 if ranks == 1 else ranks)
    assert counts[0, "write"] > 100 and counts[0, "rename"] >= 1 and counts[0, "sync"] >= 3
    faults.clear()
    codes = [check(faults, 0 if ranks == 1 else ranks, case) for case in cases(counts, FEW[ranks])]
    print(f"{ranks} ranks: {len(codes)} faults, {codes.count(74)} exits with 74, {codes.count(0)} with 0")
    assert codes.count(74) >= 3


@pytest.mark.parametrize("command", ["run", "status", "verify"])
def test_reading_that_fails_is_no_damage(faults, command):
    faults.program.run("--max-time", "0s", ranks=0, code=75)
    arguments = {"run": ("run", faults.program.spec, "--output", faults.program.out, "--max-time", "0s")}.get(
        command, (command, faults.program.out))
    count = 200  # a little more than there are
    codes = []
    for number in some(count, 3 if command == "run" else 6):
        done = faults.start(*arguments, rank=0, call="read", number=number, error="EIO")
        text = f"read {number}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
        codes.append(done.returncode)
        assert done.returncode in (74, 75 if command == "run" else 0), text
        assert done.returncode != 74 or "Input/output error" in text, text
        assert not any(word in text for word in DAMAGE), text
    assert codes[0] == 74


@pytest.mark.parametrize("error, words", [("EOPNOTSUPP", "set HDF5_USE_FILE_LOCKING=FALSE"), ("ENOLCK", "set HDF5_USE_FILE_LOCKING=FALSE")])
def test_a_file_system_without_locks(faults, monkeypatch, error, words):
    fault = {"rank": 0, "call": "lock", "number": "1+", "error": error}
    done = faults.run(0, **fault)
    assert done.returncode == 74 and words in done.stderr, done.stderr
    monkeypatch.setenv("HDF5_USE_FILE_LOCKING", "FALSE")
    done = faults.run(0, **fault)
    assert done.returncode == 0, done.stderr


def test_a_disk_that_stays_full(faults):
    """From some write on all fail, as on a file system that gives no reservations; at two ranks one of them notices first."""
    for ranks, rank, number in ((0, 0, "40+"), (2, 1, "1+")):
        done = faults.run(ranks, rank=rank, call="write", number=number, error="ENOSPC")
        text = done.stdout + done.stderr
        if done.returncode == 0:  # the other rank was too slow to get a cell
            with h5py.File(faults.program.out) as f:
                assert (f["rank"][()] == 0).all(), text
        else:
            assert done.returncode == 74 and "No space left on device" in text and "MPI_ABORT" not in text, text
        faults.program.run(ranks=0)
        faults.program("verify", faults.program.out)
        faults.clear()
