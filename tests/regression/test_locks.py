"""One run per file, also where the lock is no file, and where a run has slept."""

import hashlib
import os
import signal
import subprocess
import time

import pytest

from conftest import LONG, wait_until
from specifications import specification

# Cells of seconds: loss is noticed inside of one.
LONG_CELLS = specification(
    models={"learned": {"training": "samples", "steps": "STEPS"}}, task={"d": 8}, test={"k": 2},
    sweep={"mixtures": ["matched", "skewed"], "hardness": [9.0, 12.0], "n": [3, 10], "repeats": 10})

ANOTHER = "host: far\njob: 7\npid: 1\nmachine: elsewhere\n"


def lock_of(program):
    return program.directory / "out.h5.lock"


def take_over(program):
    """As another run does: the lock file is another one now."""
    other = program.directory / "other"
    other.write_text(ANOTHER)
    other.replace(lock_of(program))


def digest(program):
    return hashlib.sha256(program.out.read_bytes()).hexdigest()


def ranks_of(process):
    return list(map(int, subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True).stdout.split()))


@pytest.mark.parametrize("kind", ["dangling", "circular", "fifo"])
def test_a_lock_that_is_no_file_is_refused_at_once(program, kind):
    lock = lock_of(program)
    if kind == "fifo":
        os.mkfifo(lock)
    else:
        lock.symlink_to("/nowhere/at/all" if kind == "dangling" else lock)
    text = program.run(ranks=1, code=74, timeout=30)
    assert str(lock) in text and ("a FIFO" if kind == "fifo" else "a link") in text


def test_a_lost_lock_ends_all_ranks_inside_a_cell(program):
    program.spec.write_text(LONG_CELLS.replace('"STEPS"', "10000000"))
    process = program.start()
    wait_until(lambda: program.out.exists() and lock_of(program).exists())
    time.sleep(1)
    before = digest(program)
    take_over(program)
    began = time.monotonic()
    output, _ = process.communicate(timeout=60)
    assert time.monotonic() - began < (10 if os.getloadavg()[0] > os.cpu_count() else 4)  # two seconds, and mpirun's own end
    assert process.returncode == 74 and "has taken over the lock" in output, output
    assert digest(program) == before
    assert lock_of(program).read_text() == ANOTHER


def test_a_run_that_was_suspended_stores_nothing_after_another_began(program):
    program.spec.write_text(LONG_CELLS.replace('"STEPS"', "300"))
    process = program.start()
    try:
        wait_until(lambda: program.out.exists() and (program.status() == 1).any())
        ranks = ranks_of(process)
        assert len(ranks) == 2
        for pid in ranks:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(0.3)
        take_over(program)
        before = digest(program)
        for pid in ranks:
            os.kill(pid, signal.SIGCONT)
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 74, output
    assert digest(program) == before


@pytest.mark.skipif(not LONG, reason="takes more than a minute; COTSCALE_LONG=1")
def test_a_lock_that_sleeps_for_a_minute_is_taken_over(program):
    program.spec.write_text(LONG_CELLS.replace('"STEPS"', "300"))
    process = program.start()
    try:
        wait_until(lambda: program.out.exists() and (program.status() == 1).any())
        ranks = ranks_of(process)
        for pid in ranks:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(65)
        assert "took over the lock" in program.run(ranks=1, timeout=300)
        before = digest(program)
        for pid in ranks:
            os.kill(pid, signal.SIGCONT)
        process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 74 and digest(program) == before
