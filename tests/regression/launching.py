"""Runs that go on until somebody stops them, started in the ways in which users start them."""

import os
import pathlib
import re
import shlex
import subprocess
import time

from conftest import COTSCALE, wait_until

ROOT = pathlib.Path(__file__).parents[2]
LAUNCH = str(ROOT / "jobs" / "launch.sh")

# As long as any test cares to look, in cells of a second.
ENDLESS = ("--set", "test.prompts=20000", "--set", "test.m=[100, 400]", "--set", "test.sampler=explicit", "--set", "test.baselines=false")
BOXES = ("MPI_ABORT", "mpirun detected", "mpirun has exited", "Primary job", "-----")


def start(program, launcher, *arguments):
    command = [*launcher, COTSCALE, "run", str(program.spec), "--output", str(program.out), *ENDLESS, *arguments]
    process = subprocess.Popen(command, env=program.environment(), cwd=program.directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, start_new_session=True)
    wait_until(lambda: program.out.exists())
    time.sleep(0.3)
    return process


def children(pid):
    return [int(child) for child in subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()]


def ranks_below(pid):
    """Ranks in their order, under mpirun or whatever has started it."""
    below = children(pid)
    mine = [child for child in below if os.readlink(f"/proc/{child}/exe") == os.path.realpath(COTSCALE)]
    return mine or [rank for child in below for rank in ranks_below(child)]


def stopped(program, process, seconds=60):
    begin = time.monotonic()
    out, log = process.communicate(timeout=seconds)
    text = out + log
    assert process.returncode == 75, f"exit code {process.returncode}: {text}"
    assert log.count("the same command resumes") == 1 and not any(box in text for box in BOXES), text
    assert not os.path.exists(f"{program.out}.lock")
    return time.monotonic() - begin


def shipped_launch_line():
    """The options of the first run that README shows."""
    line = re.search(r"^(\./jobs/launch\.sh .*?)build/release/cotscale run", (ROOT / "README.md").read_text(), re.M).group(1)
    return [str(ROOT / word) if word.startswith("./") else word for word in shlex.split(line)]
