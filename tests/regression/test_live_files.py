"""Files that a run is writing: their status can be asked for, and they are not damaged."""

from conftest import kill_ranks, wait_until
from interrupting import ENDLESS, SLOW, done_cells


def test_status_counts_while_a_run_is_writing(program):
    process = program.start(*ENDLESS)
    wait_until(lambda: done_cells(program) >= 1)
    text = program("status", program.out)
    assert "cells    48" in text and "running  pid" in text
    kill_ranks(process)
    assert "running  no" in program("status", program.out)


def test_a_file_that_is_being_written_is_not_damaged(program):
    process = program.start(*SLOW)
    try:
        wait_until(program.out.exists)
        looks = 0
        while process.poll() is None:
            assert "damaged" not in program("verify", program.out)
            looks += 1
        assert process.returncode == 0 and looks > 5
    finally:
        process.kill()
    assert "48 of 48" in program("verify", program.out)
