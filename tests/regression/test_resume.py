"""A kill costs a second, and exit codes say what a run did."""

import time

import h5py

from conftest import kill_ranks, wait_until
from interrupting import SLOW, done_cells


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


def test_exit_codes_say_what_this_run_did(program):
    program.run()
    with h5py.File(program.out, "r+") as f:
        f["error_mean"][1, 2, 0, 1, 0, 1, 3] += 1e-9
    assert "47 of 48 cells done" in program.run("--max-time", "0s", code=75), "a damaged cell is pending"
