"""Streams that are closed, full or gone: the exit code says so, and no results are lost."""

import shlex
import subprocess

import pytest

from conftest import COTSCALE
from launching import LAUNCH


@pytest.mark.parametrize("redirect", ["2>&-", "2>/dev/full", "2> >(true)"])
@pytest.mark.parametrize("ranks", [0, 2])
def test_a_log_that_cannot_be_written(program, ranks, redirect):
    command = shlex.join(map(str, program.command("run", program.spec, "--output", program.out, ranks=ranks)))
    done = subprocess.run(["bash", "-c", f"{command} {redirect}"], env=program.environment(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "48 of 48 cells done" in done.stdout, done.stdout + done.stderr
    assert "48 of 48" in program("verify", program.out)


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_launching_without_streams(program, closed):
    """Under a limit of memory: mpirun by itself takes a pipe of its own for a closed stream, and grows until memory is gone."""
    command = shlex.join([LAUNCH, "-n", "2", "--bind-to", "none", COTSCALE, "run", str(program.spec), "--output", str(program.out)])
    done = subprocess.run(["bash", "-c", f"ulimit -v 8000000; {command} {closed}"], env=program.environment(), timeout=60)
    assert done.returncode == 0 and "48 of 48" in program("verify", program.out)


@pytest.mark.parametrize("redirect", [">&-", ">/dev/full"])
def test_a_result_that_cannot_be_printed(program, redirect):
    program.run(ranks=0)
    for arguments in (("--version",), ("--help",), ("plan", program.spec), ("status", program.out), ("verify", program.out), ("theory", program.spec),
                      ("run", program.spec, "--output", program.out)):
        done = subprocess.run(["bash", "-c", f"{shlex.join(map(str, program.command(*arguments)))} {redirect}"],
                              env=program.environment(), capture_output=True, text=True, timeout=60)
        assert done.returncode == 74 and "standard output: cannot be written" in done.stderr, f"{arguments}: {done.returncode} {done.stderr}"
    assert "48 of 48" in program("verify", program.out)
