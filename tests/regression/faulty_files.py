"""Operations on results files made to fail in turn (tests/support/io_faults.cpp), of a tiny sweep: no crash, no hang, the right exit code,
and the same command without faults ends the sweep. COTSCALE_LONG=1: all of them; else some of each kind."""

import os
import subprocess

from conftest import LONG
from specifications import specification

SPEC = specification(
    models={"closed": {"training": "closed_form"}}, task={"d": 3}, sweep={"n": [3, 10], "repeats": 2},
    test={"k": 1, "m": [300], "prompts": 2000, "sampler": "explicit", "baselines": False})

# What can go wrong with each call.
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


def some(count, few):
    """Numbers from 1 to `count`: all, or `few` spread over them with the first and the last."""
    if count <= few:
        return list(range(1, count + 1))
    return sorted({1 + round(i * (count - 1) / max(1, few - 1)) for i in range(few)})


LONG_FEW = {"read": 40}


def cases(counts, few):
    """Which call of which rank fails, and how: (rank, call, number, error)."""
    for (rank, call), count in sorted(counts.items()):
        for number in some(count, LONG_FEW.get(call, count) if LONG else few.get(call, 1)):
            yield rank, call, number, ERRORS[call][number % len(ERRORS[call])]


def check(faults, ranks, case):
    """The exit code of a run with that fault; `ranks` 0: without mpirun."""
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


def run_with_each_fault(program, ranks, few, of_rank=0):
    """A run for each case of that rank; some have to end with exit code 74."""
    faults = Faults(program)
    counts = faults.counts("run", program.spec, "--output", program.out, ranks=ranks)
    assert counts[0, "write"] > 100 and counts[0, "rename"] >= 1 and counts[0, "sync"] >= 3
    faults.clear()
    mine = {key: count for key, count in counts.items() if key[0] == of_rank}
    codes = [check(faults, ranks, case) for case in cases(mine, few)]
    print(f"rank {of_rank} of {ranks}: {len(codes)} faults, {codes.count(74)} exits with 74, {codes.count(0)} with 0")
    assert codes.count(74) >= 1
