"""Results do not depend on how the work was spread."""

import subprocess

import pytest
from conftest import GPT2_SPEC, LEARNING_SPEC


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    from conftest import Program

    program = Program(tmp_path_factory.mktemp("reference"))
    program.run(ranks=1)
    return program.payload()


@pytest.mark.parametrize("ranks, threads", [(2, 1), (3, 1), (4, 1), (1, 2), (2, 2)])
def test_payloads_are_identical_bit_for_bit(program, reference, ranks, threads):
    program.run(ranks=ranks, threads=threads)
    assert program.payload() == reference


@pytest.mark.parametrize("text", [LEARNING_SPEC, GPT2_SPEC], ids=["lsa", "gpt2"])
def test_learning_is_identical_bit_for_bit(program, text):
    program.spec.write_text(text)
    program.run(ranks=1)
    alone = program.payload()
    for ranks, threads in (3, 1), (1, 2):
        program.run("--overwrite", ranks=ranks, threads=threads)
        assert program.payload() == alone, f"{ranks} ranks, {threads} threads"


def test_without_mpirun_there_is_one_rank(program, reference):
    program.run(ranks=0)
    assert program.payload() == reference


def test_models_are_tested_on_the_same_prompts(program):
    program.run("--set", "sweep.mixtures=[matched, skewed]".replace("matched", "'matched'").replace("skewed", "'skewed'"))
    import h5py

    with h5py.File(program.out) as f:
        untrained = f["error_mean"][..., 0]  # k = 0: nothing of the model yet
    assert (untrained == untrained[:1, :1]).all(), "models and mixtures share their prompts"
    assert len(set(untrained[0, 0, 0, 0, :, 0])) == 2, "repeats do not"


def test_the_definition_agrees_with_the_recursion(program):
    # Both see the same examples then: the definition needs them.
    program.run("--set", "models.closed.roll_out=definition", "--set", "models.closed.training=population")
    import h5py
    import numpy

    with h5py.File(program.out) as f:
        recursion, definition = f["error_mean"][()]
    numpy.testing.assert_allclose(definition, recursion, rtol=1e-10)


def test_the_first_repeats_of_a_larger_grid_are_the_smaller_grid(program):
    import h5py

    program.run()
    with h5py.File(program.out) as f:
        small = f["error_mean"][()]
    program.run("--set", "sweep.repeats=3", "--set", "sweep.hardness=[12.0, 9.0, 6.0]", "--overwrite")
    with h5py.File(program.out) as f:
        large = f["error_mean"][()]
    assert (large[:, :, [2, 0], :, :2] == small).all()


def test_help_and_version_need_no_mpi(program):
    assert "plan" in program("--help") and "Exit codes" in program("--help")
    assert subprocess.run(program.command("--version"), capture_output=True, text=True).stdout.strip().count(".") == 2
