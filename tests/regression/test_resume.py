"""Kills, signals, limits and locks: nothing that was marked done is lost, and the same command goes on."""

import os
import random
import signal
import time

import h5py
import pytest

from conftest import LONG, Program, kill_ranks, wait_until

# 48 cells, several seconds in all: long enough to be interrupted.
SLOW = ("--set", "test.prompts=4000", "--set", "test.m=[100, 400]", "--set", "test.sampler=explicit", "--set", "test.baselines=false")

# As long as any test cares to look, with the first cell done after a second.
ENDLESS = (*SLOW, "--set", "test.prompts=20000")


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    program = Program(tmp_path_factory.mktemp("reference"))
    program.run(*SLOW)
    return program.payload()


def done_cells(program):
    try:
        return int((program.status() == 1).sum())
    except OSError:  # not created yet
        return 0


def test_killed_again_and_again_it_ends_with_the_same_bits(program, reference):
    rng = random.Random(1)
    kills = 40 if LONG else 6
    for _ in range(kills):
        process = program.start(*SLOW)
        time.sleep(rng.uniform(0.3, 1.2))
        kill_ranks(process)
        if program.out.exists():
            assert program("verify", program.out).count("damaged") == 0
    program.run(*SLOW)
    assert program.payload() == reference


def test_a_kill_costs_at_most_the_last_second(program):
    process = program.start(*SLOW)
    wait_until(lambda: done_cells(program) >= 8)
    before, then = done_cells(program), time.monotonic()
    kill_ranks(process)
    done = program.status() == 1
    assert done.sum() >= before and time.monotonic() - then < 30
    text = program.run(*SLOW)
    assert f"({done_cells(program)} of" not in text and "before this run" in text
    with h5py.File(program.out) as f:
        # One that was stored but not yet marked has come to an end twice.
        assert (f["attempt"][()].ravel()[done] == 1).all(), "done cells were not computed again"


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGTERM])
def test_signals_stop_it_early_and_resumable(program, reference, number):
    process = program.start(*SLOW)
    wait_until(lambda: done_cells(program) >= 2)
    if number == signal.SIGUSR1:
        process.send_signal(number)  # mpirun hands it on to its ranks
    else:
        for pid in os.popen(f"pgrep -P {process.pid}").read().split():
            os.kill(int(pid), number)
    text = process.communicate(timeout=60)[0]
    assert process.returncode == 75, text
    assert "the same command resumes" in text
    assert not os.path.exists(f"{program.out}.lock")
    program.run(*SLOW)
    assert program.payload() == reference


def test_the_time_limit_stops_it_early_and_resumable(program, reference):
    program.run(*SLOW, "--max-time", "1s", code=75)
    program.run(*SLOW)
    assert program.payload() == reference


def test_a_cell_too_long_for_the_time_limit_does_not_hold_up_the_others(program):
    # The definition's cells are estimated at minutes, the recursion's at milliseconds; the first come first.
    long = ("--set", "models.closed.roll_out=definition", "--set", "test.m=[3000]", "--set", "test.k=20")
    text = program.run(*long, "--max-time", "5s", code=75)
    assert "24 cells were not begun: by estimate, --max-time left too little for them" in text
    assert (program.status().reshape(2, -1) == [[1], [0]]).all()


def test_exit_codes_say_what_this_run_did(program):
    program.run()
    with h5py.File(program.out, "r+") as f:
        f["error_mean"][1, 2, 0, 1, 0, 1, 3] += 1e-9
    assert "47 of 48 cells done" in program.run("--max-time", "0s", code=75), "a damaged cell is pending"


def test_status_counts_while_a_run_is_writing(program):
    process = program.start(*ENDLESS)
    wait_until(lambda: done_cells(program) >= 1)
    text = program("status", program.out)
    assert "cells    48" in text and "running  pid" in text
    kill_ranks(process)
    assert "running  no" in program("status", program.out)


def test_a_second_run_on_the_same_file_is_refused(program):
    process = program.start(*ENDLESS)
    wait_until(lambda: done_cells(program) >= 1)
    text = program.run(*ENDLESS, code=74)
    assert "another run is writing it (pid" in text
    kill_ranks(process)


def test_damaged_cells_are_found_and_computed_again(program):
    program.run()
    whole = program.payload()
    with h5py.File(program.out, "r+") as f:
        f["error_mean"][1, 2, 0, 1, 0, 1, 3] += 1e-9
    text = program("verify", program.out, code=74)
    assert "damaged: model closed, mixture mine, hardness 6, n 10, repeat 0" in text and "47 of 48" in text
    assert "1 cells have a wrong checksum" in program.run()
    assert program.payload() == whole


def test_overwrite_discards_the_results(program):
    program.run()
    assert "test.prompts: in the file 100, now 50" in program.run("--set", "test.prompts=50", code=65)
    program.run("--set", "test.prompts=50", "--overwrite")
    with h5py.File(program.out) as f:
        assert b"prompts = 50" in f["config_toml"][()]


def test_one_rank_failing_to_store_ends_the_job_and_loses_nothing(program):
    import resource

    # The file is laid out whole; then a file-size limit below its size makes the later cells' writes fail, as a quota would.
    big = ("--set", "test.m=" + str(list(range(1, 101))), "--set", "test.k=100", "--set", "test.prompts=2")
    program.run(*big, "--max-time", "0s", code=75)
    size = program.out.stat().st_size
    assert size > 20e6
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, size // 2))
    text = program.run(*big, code=74, preexec_fn=limit)
    assert str(program.out) in text and "rank" in text
    program("verify", program.out)
    program.run(*big)
    assert (program.status() == 1).all()
