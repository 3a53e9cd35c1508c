"""Places where results cannot be written: directories that do not exist or are locked, files that are another run's or
read-only, names that no file can have, and file systems that are full. The message says what to do, and nothing is left
behind."""

import os
import pathlib
import resource
import shutil
import subprocess
import tempfile

import pytest

from conftest import Program


def test_a_link_to_a_results_file_has_its_lock(program):
    program.run()
    (program.directory / "link.h5").symlink_to(program.out)
    (program.directory / "out.h5.lock").write_text("host: far\njob: 7\npid: 1\nmachine: elsewhere\n")
    text = program("run", program.spec, "--output", "link.h5", ranks=2, code=74)
    assert "another run is writing it (pid 1 on far (job 7)" in text


def test_names_that_no_file_can_have(program):
    for command in (["run", program.spec, "--output", "x" * 300], ["status", "x" * 300]):
        assert "File name too long" in program(*command, code=74)


def test_an_output_directory_that_does_not_exist(program):
    text = program("run", program.spec, "--output", "nowhere/out.h5", ranks=2, code=74)
    assert "nowhere does not exist; create it" in text
    assert "is a directory" in program("run", program.spec, "--output", program.directory, ranks=2, code=74)


@pytest.fixture
def outsider(monkeypatch):
    """The program, and arguments that make it run as somebody whom file modes hold back. In a directory that everybody may enter,
    whatever the umask is: pytest takes its own away from others whenever another session begins."""
    with tempfile.TemporaryDirectory() as directory:
        directory = pathlib.Path(directory)
        directory.chmod(0o755)
        program = Program(directory)
        program.spec.chmod(0o644)
        if os.getuid() != 0:
            yield program, {}
            return
        copied = shutil.copy(os.environ["COTSCALE"], directory / "cotscale")
        pathlib.Path(copied).chmod(0o755)
        monkeypatch.setattr("conftest.COTSCALE", copied)
        yield program, {"user": 65534, "group": 65534, "extra_groups": []}


def test_a_read_only_output_directory(outsider):
    program, somebody = outsider
    locked = program.directory / "locked"
    locked.mkdir()
    locked.chmod(0o555)
    text = program("run", program.spec, "--output", locked / "out.h5", code=74, **somebody)
    assert "Permission denied" in text and "is the directory writable?" in text


def test_a_read_only_output_file(outsider):
    program, somebody = outsider
    mine = program.directory / "mine"
    mine.mkdir()
    mine.chmod(0o777)
    program("run", program.spec, "--output", mine / "out.h5")
    (mine / "out.h5").chmod(0o444)
    text = program("run", program.spec, "--output", mine / "out.h5", code=74, **somebody)
    assert "out.h5: you may not write it (Permission denied)" in text


def test_no_room_for_the_file(program):
    big = ("--set", "test.m=" + str(list(range(1, 101))), "--set", "test.k=100")
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000_000, 20_000_000))
    text = program.run(*big, code=74, preexec_fn=limit)
    assert "no room for the results" in text and "choose another --output" in text
    assert sorted(os.listdir(program.directory)) == ["spec.toml"], "nothing is left behind"


@pytest.mark.skipif(os.getuid() != 0 or not shutil.which("mount"), reason="mounting a tiny file system needs root")
def test_a_full_file_system(program):
    tiny = program.directory / "tiny"
    tiny.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", tiny], capture_output=True).returncode != 0:
        pytest.skip("this container may not mount")
    try:
        text = program("run", program.spec, "--output", tiny / "out.h5", ranks=2, code=74)
        assert "no room for the results" in text and "No space left on device" in text
        assert os.listdir(tiny) == []
    finally:
        subprocess.run(["umount", tiny], check=True)
