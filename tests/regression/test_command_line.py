"""A wrong command line is answered with what to write; `cotscale keys` lists what a specification may hold; and a
launch that wastes ranks or cores is warned of."""

import os

import pytest

from refusing import set_key


@pytest.mark.parametrize("arguments, words", [
    (["run"], ["SPEC is required"]),
    (["run", "spec.toml"], ["--output is required"]),
    (["run", "spec.toml", "--output", ""], ["--output: names no file"]),
    (["select", "spec.toml", "--output", ""], ["--output: names no file"]),
    (["frobnicate"], ["frobnicate"]),
    ([], ["subcommand is required"]),
    (["run", "spec.toml", "--output", "out.h5", "--set", "x"], ["write --set key=value"]),
    (["run", "spec.toml", "--output", "out.h5", "--max-time", "soon"], ["write a duration such as 90s"]),
    (["run", "spec.toml", "--output", "out.h5", "--progress", "loud"], ["--progress"]),
    (["plan", "spec.toml", "--ranks", "0"], ["--ranks"]),
    (["keys", "optimzer"], ["there is no table or key optimzer; did you mean optimizer?"]),
    (["keys", "xyzzy"], ["there is no table or key xyzzy; `cotscale keys` lists all"]),
    (["keys", "nonsense"], ["there is no table or key nonsense; `cotscale keys` lists all"]),
    (["keys", "sweep.nonsense"], ["there is no table or key sweep.nonsense"]),
    (["keys", "--renew", "spec.toml", "sweep"], ["--renew"]),
])
def test_a_wrong_command_line(program, arguments, words):
    text = program(*arguments, code=2)
    assert all(word in text for word in words), text


def test_a_missing_specification(program):
    assert "nowhere.toml: cannot read the file" in program("run", "nowhere.toml", "--output", "out.h5", ranks=2, code=74)


def test_missing_files_for_status_and_verify(program):
    for command in ("status", "verify"):
        assert "nowhere.h5: no such file" in program(command, "nowhere.h5", code=74)


def test_keys_are_listed_by_table_and_by_name(program):
    everything, models, optimizer = program("keys"), program("keys", "models"), program("keys", "optimizer")
    assert all(f"[{table}]" in everything for table in ("sweep", "task", "test", "theory", "target", "mixtures.NAME", "tasks", "select", "models.NAME"))
    assert models.startswith("[models.NAME]") and models.strip() in everything and "[sweep]" not in models
    assert "momentum" in optimizer and "weight_decay" in optimizer and "architecture  " not in optimizer
    assert "axis of integers in 1 … 10⁸; required" in program("keys", "sweep")


def test_keys_are_found_as_a_specification_writes_them(program):
    assert program("keys", "sweep.n") == program("keys", "n") != program("keys", "sweep")
    assert program("keys", "models.steep") == program("keys", "models")
    assert program("keys", "models.lsa.optimizer") == program("keys", "optimizer")
    muon = program("keys", "muon")
    assert "muon_momentum  " in muon and "nesterov  " in muon and "\n  momentum  " not in muon


def test_tables_of_a_document_are_renewed(program, tmp_path):
    document = tmp_path / "keys.md"
    document.write_text("before\n<!-- keys of task: how -->\nstale\n<!-- end of keys -->\nafter\n")
    program("keys", "--renew", document)
    text = document.read_text()
    assert "stale" not in text and "| `d` | integer in 1 … 10⁷ | required |" in text
    assert text.startswith("before\n<!-- keys of task: how -->\n") and text.endswith("<!-- end of keys -->\nafter\n")


def test_more_ranks_than_cells_is_a_warning(program):
    set_key(program, "repeats = 2", "repeats = 1")
    text = program.run("--set", "sweep.models=['closed']", "--set", "sweep.mixtures=['matched']", "--set", "sweep.n=3",
                       "--set", "sweep.hardness=6.0", ranks=3)
    assert "warning: 3 ranks for 1 cells: 2 of them have nothing to do" in text


def test_more_threads_than_cores_is_a_warning(program):
    assert "more OpenMP threads than cores" in program.run(ranks=2, threads=os.cpu_count())
    assert "OpenMP threads" not in program.run(ranks=1)
