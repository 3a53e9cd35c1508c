"""A run without mpirun, each of whose operations on its file fails in turn (faulty_files.py)."""

from faulty_files import run_with_each_fault


def test_a_run_whose_files_fail(program):
    run_with_each_fault(program, ranks=0, few={"write": 4, "sync": 2})
