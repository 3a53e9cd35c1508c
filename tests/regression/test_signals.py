"""Signals to the launcher, to mpirun and to single ranks: every rank stops, and the exit code reaches the shell."""

import os
import signal
import subprocess
import time

import pytest

from conftest import COTSCALE, MPIRUN
from launching import LAUNCH, children, ranks_below, shipped_launch_line, start, stopped


@pytest.mark.parametrize("name", ["TERM", "INT", "HUP"])
def test_the_shipped_launch_line_hands_on_signals(program, name):
    process = start(program, shipped_launch_line())
    process.send_signal(getattr(signal, f"SIG{name}"))
    stopped(program, process)


def test_a_signal_to_the_mpirun_of_the_shipped_launch_line(program):
    process = start(program, shipped_launch_line())
    mpirun, = children(process.pid)
    os.kill(mpirun, signal.SIGTERM)
    stopped(program, process)


def test_the_launch_line_has_the_code_of_the_run(program):
    launch = [LAUNCH, "-n", "2", "--bind-to", "none", COTSCALE, "run", str(program.spec), "--output", str(program.out)]
    for arguments, code in ((["--max-time", "0s"], 75), ([], 0), (["--set", "test.prompts=7"], 65), (["--progress", "loud"], 2)):
        done = subprocess.run([*launch, *arguments], env=program.environment(), capture_output=True, text=True, timeout=60)
        assert done.returncode == code, done.stdout + done.stderr
    done = subprocess.run([LAUNCH, "--no-such-option"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 70 and "has started no rank" in done.stderr


@pytest.mark.parametrize("name", ["TERM", "USR2", "HUP", "XCPU", "INT"])
def test_a_signal_to_one_process(program, name):
    process = start(program, [])
    process.send_signal(getattr(signal, f"SIG{name}"))
    assert stopped(program, process) < 20


@pytest.mark.parametrize("name", ["TERM", "USR1"])
def test_a_signal_to_one_rank_stops_all(program, name):
    process = start(program, [MPIRUN, "-n", "3", "--bind-to", "none"])
    os.kill(ranks_below(process.pid)[2], getattr(signal, f"SIG{name}"))
    stopped(program, process)


def test_nohup_is_respected(program):
    process = start(program, ["nohup"])
    process.send_signal(signal.SIGHUP)
    time.sleep(1)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 75
