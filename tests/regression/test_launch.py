"""Exit codes reach the shell: MPI that cannot start, files that others hold or that are not complete."""

import pathlib
import signal

import h5py
import numpy
import pytest

from conftest import wait_until
from launching import BOXES, start


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
