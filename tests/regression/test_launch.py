"""Exit codes reach the shell: signals to the launcher and to single ranks, MPI that cannot start, streams that cannot be written."""

import os
import pathlib
import re
import shlex
import signal
import subprocess
import time

import h5py
import numpy
import pytest

from conftest import COTSCALE, MPIRUN, wait_until

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


@pytest.mark.parametrize("ranks", [0, 2])
def test_mpi_that_cannot_start(program, monkeypatch, ranks):
    monkeypatch.setenv("OMPI_MCA_pml", "nosuch")
    assert "MPI cannot start" in program.run(ranks=ranks, code=70)
    assert not program.out.exists()


@pytest.mark.parametrize("arguments, code", [(["--max-time", "0s"], 75), (["--set", "test.prompts=7"], 65), (["--output", "nowhere/out.h5"], 74)])
def test_no_box_of_open_mpi(program, arguments, code):
    program.run("--max-time", "0s", code=75)
    command = ["run", program.spec, *([] if "--output" in arguments else ["--output", program.out]), *arguments]
    text = program(*command, ranks=2, code=code)
    assert not any(box in text for box in BOXES), text


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


def test_a_file_that_is_not_complete_at_the_end(program):
    """Somebody else unmarks a cell while the run computes the others."""
    process = start(program, [], "--set", "test.prompts=1200")
    wait_until(lambda: (program.status() == 1).any())
    with h5py.File(program.out, "r") as f:
        place = f["status"].id.get_offset() + int(numpy.flatnonzero(f["status"][()].ravel() == 1)[0])
    with open(program.out, "r+b") as raw:
        raw.seek(place)
        raw.write(b"\0")
    out, log = process.communicate(timeout=120)
    assert process.returncode == 75 and "47 of 48 cells done" in out and "something else has written" in log, out + log


def test_open_by_another_program(program):
    program.run("--max-time", "0s", code=75)
    with h5py.File(program.out, "r+"):
        for command in (("run", program.spec, "--output", program.out), ("status", program.out)):
            text = program(*command, code=74)
            assert "another program has this file open for writing" in text and "damaged" not in text
    program.out.unlink()
    process = start(program, [])
    with pytest.raises(OSError):  # and the other way round
        h5py.File(program.out, "r+")
    h5py.File(program.out, "r").close()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)


def test_long_paths_and_links(program):
    long = program.directory
    while len(str(long)) < 235:
        long = long / "a_directory"
    long.mkdir(parents=True)
    program("run", program.spec, "--output", long / ("x" * (260 - len(str(long))) + ".h5"), ranks=2)
    (program.directory / "link.h5").symlink_to("target.h5")
    (program.directory / "circle.h5").symlink_to("circle.h5")
    program("run", program.spec, "--output", "link.h5", ranks=2)
    assert (program.directory / "link.h5").is_symlink() and (program.directory / "target.h5").is_file()
    assert "a circle of links" in program("run", program.spec, "--output", "circle.h5", ranks=2, code=74)


def test_no_semaphore_is_left_nor_waited_for(program):
    """Open MPI's parallel files make one of the base name, and wait for one that a dead run has left."""
    semaphore = pathlib.Path("/dev/shm/sem.OMPIO_out.h5")
    semaphore.write_bytes(bytes(32))
    try:
        program.run(timeout=60)
    finally:
        semaphore.unlink()
