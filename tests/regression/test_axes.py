"""Any declared key may be an axis of the grid ([sweep.axes]): a dimension of the file, of tables and of figures, whose
cells are those of sweeps without it. (Keys that change more than a number: test_varied_keys.py; what is refused:
test_axes_refused.py.)"""

import subprocess
import sys

import h5py
import numpy
import pytest

from conftest import Program
from specifications import specification
from sweeping import payload, with_axes

AXES = """
[sweep.axes]
"models.learned.learning_rate" = { from = 1e-4, to = 1e-2, count = 3, scale = "log" }
models.learned.optimizer = ["sgd", "adam"]
mixtures.mine.exponent = [1, 2]
target.rotation = ["none", "independent"]
"""


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    program = Program(tmp_path_factory.mktemp("axes"))
    program.spec.write_text(with_axes(AXES))
    program.run(ranks=2)
    return program


def test_the_axes_are_dimensions_of_the_file(swept):
    with h5py.File(swept.out) as f:
        names = [scale[0].name.strip("/") for scale in (d.values() for d in f["status"].dims)]
        assert names == ["model", "mixture", "hardness", "n", "exponent", "learning_rate", "optimizer", "rotation", "repeat"]
        assert list(f["learning_rate"][()]) == [0.0001, 0.001, 0.01]
        assert list(f["exponent"][()]) == [1, 2]
        assert [x.decode() for x in f["optimizer"][()]] == ["sgd", "adam"]
        assert f["learning_rate"].attrs["long_name"].decode() == "models.learned.learning_rate"


# A key of one model's or mixture's table varies for that one only.
def test_others_have_their_cell_once(swept):
    with h5py.File(swept.out) as f:
        status = f["status"][()]  # model, mixture, hardness, n, exponent, learning_rate, optimizer, rotation, repeat
    asked = numpy.zeros_like(status, dtype=bool)
    for model in range(2):
        for mixture in range(2):
            rates, exponents = (3, 2) if model == 0 else (1, 1), 2 if mixture == 1 else 1
            asked[model, mixture, :, :, :exponents, :rates[0], :rates[1]] = True
    assert (status[asked] == 1).all() and (status[~asked] == 3).all()
    assert f"cells    {asked.sum()}" in swept("status", swept.out)
    assert f"{asked.sum()} of {asked.sum()} done cells" in swept("verify", swept.out)
    assert f"cells      {asked.sum()} of 2 models" in swept("plan", swept.spec)
    assert "× 3 learning_rate × 2 optimizer" in swept("plan", swept.spec)
    before = swept.out.read_bytes()
    assert f"{asked.sum()} of {asked.sum()} cells done ({asked.sum()} before this run)" in swept.run()
    assert swept.out.read_bytes() == before


# The same numbers, bit by bit, as a sweep of its own with these values.
@pytest.mark.parametrize("exponent, rate, optimizer, rotation", [(0, 0, 0, 0), (1, 2, 1, 0), (1, 0, 0, 1), (0, 1, 1, 1)])
def test_cells_are_those_of_a_sweep_without_axes(swept, tmp_path, exponent, rate, optimizer, rotation):
    values = {"mixtures.mine.exponent": [1, 2][exponent], "models.learned.learning_rate": [0.0001, 0.001, 0.01][rate],
              "models.learned.optimizer": ["sgd", "adam"][optimizer], "target.rotation": ["none", "independent"][rotation]}
    text = with_axes("").replace("momentum = 0.5\n", "" if optimizer else "momentum = 0.5\n")
    (tmp_path / "alone.toml").write_text(text)
    settings = [argument for key, value in values.items() for argument in ("--set", f"{key}={value}")]
    swept("run", tmp_path / "alone.toml", "--output", tmp_path / "alone.h5", *settings)
    whole, alone = payload(swept.out), payload(tmp_path / "alone.h5")
    at = (slice(None),) * 4 + (exponent, rate, optimizer, rotation)
    assert set(whole) == set(alone) and len(alone) > 40
    asked = whole["status"][at] == 1
    assert asked.any()
    for name in alone:
        mine, its = whole[name][at][asked], alone[name][asked]
        if mine.shape != its.shape:  # the axis of training steps is as long as the longest needs
            mine = mine[..., :its.shape[-1]]
        assert mine.tobytes() == its.tobytes(), name


def test_tables_and_figures_have_the_axes(swept, tmp_path):
    analysis = [sys.executable, "-m", "cotscale_analysis"]
    table = subprocess.run([*analysis, "table", swept.out, "--all"], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in table.splitlines() if line.startswith(("learned", "exact"))]
    assert len(rows) == 84 and "learning_rate  optimizer" in table, "a row for two repeats; none for what is not asked for"
    subprocess.run([*analysis, "figure", swept.out, "--output", tmp_path], capture_output=True, check=True)
    assert (tmp_path / "out.png").stat().st_size > 10_000


def test_the_number_of_ranks_makes_no_difference(swept, program):
    program.spec.write_text(with_axes(AXES))
    program.run(ranks=1)
    for name, data in payload(swept.out).items():
        assert data.tobytes() == payload(program.out)[name].tobytes(), name


def test_an_axis_can_be_set_on_the_command_line(program):
    program.spec.write_text(specification())
    for key in ('sweep.axes."models.lsa.c"', "sweep.axes.models.lsa.c"):
        assert "c 2" in program("plan", program.spec, "--all", "--set", f"{key}=[1.0, 2.0]")
