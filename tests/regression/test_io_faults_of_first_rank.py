"""A run of two ranks, in turn with each fault of the first one's operations on their file (faulty_files.py)."""

from faulty_files import run_with_each_fault


def test_a_run_of_two_ranks_whose_files_fail(program):
    run_with_each_fault(program, ranks=2, few={"write": 2}, of_rank=0)
