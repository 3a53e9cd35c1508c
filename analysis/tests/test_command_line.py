import os
import subprocess
import sys
from pathlib import Path

import h5py
import pytest

import schema
from cotscale_analysis.__main__ import main

PACKAGE = Path(__file__).parents[1]


def run(*arguments):
    """The command in a process of its own, in which every warning is an error."""
    command = [sys.executable, "-W", "error", "-m", "cotscale_analysis", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE)}
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def test_table_prints_every_file(presets):
    done = run("table", presets["fig1"], presets["fig2b"])
    assert (done.returncode, done.stderr) == (0, "")
    assert "cotscale: fig1: 9 of 9" in done.stdout and "cotscale: fig2b: 10 of 10" in done.stdout


def test_table_shows_all_rows_on_request(presets, tmp_path, capsys):
    path = schema.write(tmp_path / "a.h5", "cotscale: a", n=range(1, 61), done=lambda index: False)
    assert main(["table", str(path)]) == 0
    short = capsys.readouterr().out
    assert main(["table", "--all", str(path)]) == 0
    whole = capsys.readouterr().out
    assert "20 more rows" in short and "more rows" not in whole
    assert whole.count("0/0/1") == 60


def test_figure_names_what_it_wrote(presets, tmp_path):
    done = run("figure", presets["fig1"], presets["fig2a"], "--output", tmp_path / "new")
    assert (done.returncode, done.stderr) == (0, "")
    expected = [tmp_path / "new" / name for name in ("fig1.png", "fig1.svg", "fig2a.png", "fig2a.svg")]
    assert done.stdout.split() == list(map(str, expected))
    assert sorted(expected) == sorted((tmp_path / "new").iterdir())


def test_the_figure_can_be_chosen(presets, tmp_path):
    folders = {name: tmp_path / name for name in ("auto", "fig1", "generic")}
    for name, folder in folders.items():
        assert main(["figure", str(presets["fig1"]), "--figure", name, "--output", str(folder)]) == 0
    auto, fig1, generic = ((folder / "fig1.svg").read_bytes() for folder in folders.values())
    assert auto == fig1 != generic


WRONG = [[], ["table"], ["figure", "a.h5"], ["table", "--more", "a.h5"], ["plot", "a.h5"]]


@pytest.mark.parametrize("arguments", WRONG)
def test_usage_errors_end_with_2(arguments):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2


def test_errors_are_one_line_and_have_their_own_exit_codes(presets, tmp_path, capsys):
    def other_version(file):
        file.attrs["schema_version"] = 4

    newer = schema.write(tmp_path / "newer.h5", "cotscale: a", edit=other_version)
    foreign, text, twin = tmp_path / "foreign.h5", tmp_path / "text.h5", tmp_path / "twin" / "fig1.h5"
    with h5py.File(foreign, "w") as file:
        file["x"] = 1.0
    text.write_text("hello")
    fig1, output = presets["fig1"], ["--output", tmp_path / "out"]
    expected = [
        (74, "no such file", ["table", tmp_path / "none.h5"]),
        (74, "cannot be read", ["table", text]),
        (65, "schema version 4", ["table", newer]),
        (65, "not a cotscale results file", ["figure", foreign, *output]),
        (74, "text.h5", ["figure", fig1, "--output", text]),
        (2, "does not fit", ["figure", fig1, "--figure", "fig2b", *output]),
        (2, "same name", ["figure", fig1, twin, *output]),
    ]
    for exit_code, message, arguments in expected:
        assert main(list(map(str, arguments))) == exit_code
        captured = capsys.readouterr()
        assert captured.err.startswith("cotscale_analysis: ") and message in captured.err
        assert captured.err.count("\n") == 1 and captured.out == ""


def test_a_closed_pipe_is_no_error(presets):
    command = f"{sys.executable} -m cotscale_analysis table --all {presets['wide']} | head -n 1"
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE)}
    done = subprocess.run(command, shell=True, capture_output=True, text=True, env=environment)
    assert done.stdout == f"{presets['wide']}\n" and done.stderr == ""
