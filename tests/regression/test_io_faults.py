"""Reading that fails, file systems without locks, disks that stay full: said as what they are, with exit code 74, and nothing lost."""

import h5py
import pytest

from faulty_files import DAMAGE, Faults, some


@pytest.fixture
def faults(program):
    return Faults(program)


@pytest.mark.parametrize("command", ["run", "status", "verify"])
def test_reading_that_fails_is_no_damage(faults, command):
    faults.program.run("--max-time", "0s", ranks=0, code=75)
    arguments = {"run": ("run", faults.program.spec, "--output", faults.program.out, "--max-time", "0s")}.get(
        command, (command, faults.program.out))
    count = 200  # a little more than there are
    codes = []
    for number in some(count, 3 if command == "run" else 6):
        done = faults.start(*arguments, rank=0, call="read", number=number, error="EIO")
        text = f"read {number}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
        codes.append(done.returncode)
        assert done.returncode in (74, 75 if command == "run" else 0), text
        assert done.returncode != 74 or "Input/output error" in text, text
        assert not any(word in text for word in DAMAGE), text
    assert codes[0] == 74


@pytest.mark.parametrize("error, words", [("EOPNOTSUPP", "set HDF5_USE_FILE_LOCKING=FALSE"), ("ENOLCK", "set HDF5_USE_FILE_LOCKING=FALSE")])
def test_a_file_system_without_locks(faults, monkeypatch, error, words):
    fault = {"rank": 0, "call": "lock", "number": "1+", "error": error}
    done = faults.run(0, **fault)
    assert done.returncode == 74 and words in done.stderr, done.stderr
    monkeypatch.setenv("HDF5_USE_FILE_LOCKING", "FALSE")
    done = faults.run(0, **fault)
    assert done.returncode == 0, done.stderr


def test_a_disk_that_stays_full(faults):
    """From some write on all fail, as on a file system that gives no reservations; at two ranks one of them notices first."""
    for ranks, rank, number in ((0, 0, "40+"), (2, 1, "1+")):
        done = faults.run(ranks, rank=rank, call="write", number=number, error="ENOSPC")
        text = done.stdout + done.stderr
        if done.returncode == 0:  # the other rank was too slow to get a cell
            with h5py.File(faults.program.out) as f:
                assert (f["rank"][()] == 0).all(), text
        else:
            assert done.returncode == 74 and "No space left on device" in text and "MPI_ABORT" not in text, text
        faults.program.run(ranks=0)
        faults.program("verify", faults.program.out)
        faults.clear()
