"""What was marked done stays: beside a second run, a cell that is damaged, a file that cannot be written any more."""

import resource

import h5py

from conftest import kill_ranks, wait_until
from interrupting import ENDLESS, done_cells


def test_a_second_run_on_the_same_file_is_refused(program):
    process = program.start(*ENDLESS)
    wait_until(lambda: done_cells(program) >= 1)
    text = program.run(*ENDLESS, code=74)
    assert "another run is writing it (pid" in text
    kill_ranks(process)


def test_damaged_cells_are_found_and_computed_again(program):
    program.run()
    whole = program.payload()
    with h5py.File(program.out, "r+") as f:
        f["error_mean"][1, 2, 0, 1, 0, 1, 3] += 1e-9
    text = program("verify", program.out, code=74)
    assert "damaged: model closed, mixture mine, hardness 6, n 10, repeat 0" in text and "47 of 48" in text
    assert "1 cells have a wrong checksum" in program.run()
    assert program.payload() == whole


def test_overwrite_discards_the_results(program):
    program.run()
    assert "test.prompts: in the file 100, now 50" in program.run("--set", "test.prompts=50", code=65)
    program.run("--set", "test.prompts=50", "--overwrite")
    with h5py.File(program.out) as f:
        assert b"prompts = 50" in f["config_toml"][()]


def test_one_rank_failing_to_store_ends_the_job_and_loses_nothing(program):
    # The file is laid out whole; then a file-size limit below its size makes the later cells' writes fail, as a quota would.
    big = ("--set", "test.m=" + str(list(range(1, 101))), "--set", "test.k=100", "--set", "test.prompts=2")
    program.run(*big, "--max-time", "0s", code=75)
    size = program.out.stat().st_size
    assert size > 20e6
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, size // 2))
    text = program.run(*big, code=74, preexec_fn=limit)
    assert str(program.out) in text and "rank" in text
    program("verify", program.out)
    program.run(*big)
    assert (program.status() == 1).all()
