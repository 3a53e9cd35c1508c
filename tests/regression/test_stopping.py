"""Signals stop a sweep early; the same command goes on to the bits of one that was not stopped."""

import os
import signal

from conftest import wait_until
from interrupting import SLOW, done_cells


def test_signals_stop_it_early_and_resumable(program, uninterrupted):
    for number in (signal.SIGUSR1, signal.SIGTERM):
        before = done_cells(program)
        process = program.start(*SLOW)
        wait_until(lambda: done_cells(program) > before)  # this process's own: it is at work
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
    assert program.payload() == uninterrupted
