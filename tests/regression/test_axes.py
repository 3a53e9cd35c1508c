"""Any declared key may be an axis of the grid ([sweep.axes])."""

import re
import subprocess
import sys

import h5py
import numpy
import pytest

from conftest import RECORD
from specifications import specification

MODELS = {"learned": {"training": "samples", "steps": 30, "batch": 16, "momentum": 0.5}, "exact": {}}
AXES = """
[sweep.axes]
"models.learned.learning_rate" = { from = 1e-4, to = 1e-2, count = 3, scale = "log" }
models.learned.optimizer = ["sgd", "adam"]
mixtures.mine.exponent = [1, 2]
target.rotation = ["none", "independent"]
"""


def spec_with(axes, **tables):
    base = {"models": MODELS, "mixtures": {"mine": {"spectrum": "power_law", "exponent": 0.5}},
            "sweep": {"mixtures": ["matched", "mine"], "n": [4, 8], "repeats": 2}, "test": {"m": [5], "prompts": 40}}
    return specification(**{**base, **tables}) + axes


def payload(path):
    """Every variable of cells, its values last."""
    with h5py.File(path) as f:
        cells = f["status"].ndim
        return {name: data[()] for name, data in f.items()
                if isinstance(data, h5py.Dataset) and data.ndim >= cells and data.shape[:cells] == f["status"].shape
                and name not in RECORD and not name.startswith("identity")}


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    from conftest import Program

    program = Program(tmp_path_factory.mktemp("axes"))
    program.spec.write_text(spec_with(AXES))
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
    text = spec_with("").replace("momentum = 0.5\n", "" if optimizer else "momentum = 0.5\n")
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
    program.spec.write_text(spec_with(AXES))
    program.run(ranks=1)
    for name, data in payload(swept.out).items():
        assert data.tobytes() == payload(program.out)[name].tobytes(), name


def test_dimension_and_seed_may_vary(program):
    program.spec.write_text(specification(test={"k": 1, "prompts": 30}) + "[sweep.axes]\ntask.d = [2, 4]\nsweep.seed = [1, 2]\n")
    assert "4 of 4 cells done" in program.run()
    with h5py.File(program.out) as f:
        zero = f["error_mean"][0, 0, 0, 0, :, :, 0, 0, 0]  # seed, d
        assert (abs(zero[:, 0] - 2) < 1.5).all() and (abs(zero[:, 1] - 4) < 2).all() and len(set(zero.ravel())) == 4
    program("theory", program.spec)


# A variable of the results has the name step_size already; every number of test prompts is judged by its own.
def test_names_that_the_file_has_get_their_table_s(program):
    program.spec.write_text(specification(test={"k": 1}, sweep={"repeats": 3}) +
                            '[sweep.axes]\n"models.lsa.step_size" = [0.01, 0.02]\n"test.prompts" = [50, 2000]\n')
    text = program.run()
    assert "12 of 12 cells done" in text and "DISAGREE" not in text
    with h5py.File(program.out) as f:
        assert list(f["lsa_step_size"][()]) == [0.01, 0.02] and list(f["prompts"][()]) == [50, 2000]
        stderr = f["error_stderr"][0, 0, 0, 0, 0, :, :, 0, 0]  # prompts, repeat
        assert (stderr[0] > 3 * stderr[1]).all(), "the square root of 40"


# Noise adds a baseline, which a noise-free cell has too, and test prompts that are decisions of their own.
def test_noise_may_vary(program):
    program.spec.write_text(specification(test={"prompts": 2000}, sweep={"repeats": 2}) + '[sweep.axes]\n"task.noise" = [0, 0.5]\n')
    text = program.run()
    assert "4 of 4 cells done" in text and "DISAGREE" not in text
    with h5py.File(program.out) as f:
        names = [x.decode() for x in f["baseline"][()]]
        error = f["baseline_error"][0, 0, 0, 0, :, 0, :, 0, -1]  # noise, baseline
        assert names[-1] == "ridge_noise" and numpy.isfinite(error).all()
        assert error[0, -1] == error[0, names.index("least_squares")], "without noise it is least squares"
        assert error[1, -1] < error[1, names.index("least_squares")], "with noise, the Bayes estimate is better"


# A default may be wrong with another value once it is written; every value finds its own.
@pytest.mark.parametrize("architectures, keys", [
    (["lsa", "softmax"], {}),
    (["lsa", "gpt2"], {"training": "samples", "size": "free", "layers": 1, "heads": 1, "width": 8, "steps": 5}),
])
@pytest.mark.parametrize("order", [1, -1])
def test_defaults_follow_each_value(program, architectures, keys, order):
    text = specification(models={"a": {"architecture": "lsa", **keys}}, test={"k": 1, "m": [8], "prompts": 50},
                         theory={"draws": 0})
    program.spec.write_text(f'{text}[sweep.axes]\n"models.a.architecture" = {architectures[::order]}\n')
    program("plan", program.spec)
    assert "2 of 2 cells done" in program.run()
    with h5py.File(program.out) as f:
        program.spec.write_text(f.attrs["config_toml"] if "config_toml" in f.attrs else f["config_toml"][()].decode())
    assert "(2 before this run)" in program.run(), "its text reads as itself"


@pytest.mark.parametrize("order", [1, -1])
def test_features_of_mixtures_follow_each_value(program, order):
    text = specification(target={"features": "student_t", "degrees": 9.0}, test={"k": 1, "prompts": 50},
                         mixtures={"mm": {"spectrum": "power_law", "exponent": 1.0}}, theory={"draws": 0},
                         models={"a": {"training": "samples", "steps": 5}}, sweep={"mixtures": ["matched", "mm"]})
    program.spec.write_text(f'{text}[sweep.axes]\n"target.features" = {["student_t", "gaussian"][::order]}\n')
    program("plan", program.spec)
    assert "4 of 4 cells done" in program.run()


@pytest.mark.parametrize("axes, words", [
    ('"models.learned.learning_rate" = [-1.0, 0.1]', [":{line}, sweep.axes: ", "models.learned.learning_rate must be positive, got -1"]),
    ('"models.learned.lerning_rate" = [1.0]', ["is no key of [models.NAME]; did you mean \"learning_rate\"?"]),
    ('"models.learned.nope" = [1.0]', ["is no key of [models.NAME] (`cotscale keys models.NAME` lists them)"]),
    ('"learning_rate" = [1.0]', ["is no key of a table"]),
    ('"sweep.n" = [1, 2]', ["is an axis of its own; set sweep.n instead"]),
    ('"test.k" = [1, 2]', ["is an axis of the results already; set test.k instead"]),
    ('"models.other.steps" = [1, 2]', ["there is no such table; no cell has it"]),
    ('"models.learned.steps" = [2, 2]', ["has the value 2 twice"]),
    ('"models.learned.optimizer" = ["gd", "adam"]', ["models.learned.momentum has an effect with optimizer", "remove it"]),
    ('"models.learned.steps" = []', ["is an empty list"]),
    ('"models.learned.steps" = { from = 1, to = 3, count = 9 }', ["differ as integers"]),
    ('"models.learned.steps" = { from = 1, to = 20000, step = 1 }', ["combinations of values; take fewer"]),
])
def test_what_cannot_vary_is_refused(program, axes, words):
    program.spec.write_text(spec_with(f"[sweep.axes]\n{axes}\n"))
    line = program.spec.read_text().split("\n").index(axes) + 1
    for command in ("plan", "theory"):
        text = program(command, program.spec, code=2)
        assert all(word.replace("{line}", str(line)) in text for word in words), text
        assert re.search(r"spec\.toml:\d+[:,]", text) or "combinations" in text, text
        assert "architecture is missing" not in text
    assert program.run(code=2).count(words[-1]) == 1


def test_an_axis_can_be_set_on_the_command_line(program):
    program.spec.write_text(specification())
    for key in ('sweep.axes."models.lsa.c"', "sweep.axes.models.lsa.c"):
        assert "c 2" in program("plan", program.spec, "--all", "--set", f"{key}=[1.0, 2.0]")


def test_as_many_combinations_as_there_may_be_are_read_at_once(program):
    """Whatever is done for every value of an axis at every cell takes minutes here."""
    axes = '[sweep.axes]\n"models.lsa.c" = { from = 1.0, to = 2.0, count = 10000 }\n'
    program.spec.write_text(specification(sweep={"n": 10, "repeats": 1, "hardness": 4}) + axes)
    assert "10000 c" in program("plan", program.spec, timeout=60)
