import itertools
import re

import numpy as np
import pytest
import xarray as xr
from matplotlib.colors import to_rgb

import schema
from cotscale_analysis import ResultsError, draw, format_table, open_file, open_results, open_selection, save
from cotscale_analysis.__main__ import main
from cotscale_analysis.results import configuration, sweep_name
from cotscale_analysis.selection import TaskType, names_of_types, tasks_by_type
from test_figures import assert_nothing_overlaps, texts

TYPES = ["easy-short", "easy-long", "hard-short", "hard-long"]


def test_a_selection_opens_by_either_engine(selections):
    for path in selections.values():
        xr.testing.assert_identical(*(open_selection(path, engine=engine) for engine in ("netcdf4", "h5netcdf")))
    fig3 = open_selection(selections["fig3"])
    assert sweep_name(fig3) == "fig3" and configuration(fig3)["select"]["k"] == 5
    assert fig3["probability"].dims == ("draw", "solution", "task")
    np.testing.assert_allclose(fig3["probability"].sum("task"), 1)


def test_a_selection_without_draws_counts_as_one(selections):
    given = open_selection(selections["given"])
    assert given.sizes["draw"] == 1
    assert given["objective"].dims == ("draw", "solution", "problem") and given["kkt_residual"].dims == ("draw",)
    assert given["hardness"].dims == ("task",)
    assert given["settled"].dims == ("draw",) and given["plain_objective"].dims == ("draw", "plain")


def test_the_kinds_of_file_are_told_apart(presets, selections, tmp_path):
    assert "probability" in open_file(selections["fig3"]) and "error_mean" in open_file(presets["fig1"])
    damaged = schema.write_selection(tmp_path / "damaged.h5", edit=lambda file: file.pop("objective"))
    refused = [
        (open_results, selections["fig3"], "holds a selection of tasks"),
        (open_selection, presets["fig1"], "holds the results of a sweep"),
        (open_file, damaged, "needs the variables objective"),
    ]
    for open_one, path, message in refused:
        with pytest.raises(ResultsError, match=message) as refusal:
            open_one(path)
        assert refusal.value.exit_code == 65


def named(tasks):
    return xr.Dataset(coords={"task": np.array(tasks, dtype=object)})


def test_types_come_from_the_names_of_generated_tasks():
    types = tasks_by_type(named(["0.8-100-0", "0.2-20-0", "0.8-20-0", "0.2-100-0", "0.2-20-1"]))
    assert list(names_of_types(types).values()) == TYPES
    assert types[TaskType(0.2, 20)].tolist() == [1, 4] and types[TaskType(0.8, 100)].tolist() == [0]
    others = tasks_by_type(named(["0.5-10-0", "1e-05-10-0", "2-10-0"]))
    assert list(names_of_types(others).values()) == ["1e-05-10", "0.5-10", "2-10"]
    for tasks in (["easy", "hard"], ["0.2-20-0", "x"], ["a-20-0"]):
        assert tasks_by_type(named(tasks)) is None


def cells(line):
    return re.split(r"\s{2,}", line.strip())


def test_table_has_a_row_per_type(selections):
    fig3 = open_selection(selections["fig3"])
    summary, _, header, *rows = format_table(fig3).split("\n\n")[0].splitlines()
    assert summary == "cotscale selection: fig3: 40 candidate tasks, 4 draws"
    table = [dict(zip(cells(header), cells(row))) for row in rows]
    assert [row["type"] for row in table] == TYPES
    of_draws = fig3["probability"].sel(solution="exact").isel(task=slice(20, 30)).mean("task")
    assert table[2]["exact"] == f"{of_draws.mean().item():.3g} ± {of_draws.std(ddof=1).item():.2g}"
    assert sum(float(row["total quadratic"]) for row in table) == pytest.approx(1, abs=0.01)


def test_table_has_a_row_per_task_where_there_are_no_types_or_all_is_asked(selections):
    given, fig3 = (open_selection(selections[name]) for name in ("given", "fig3"))
    text = format_table(given)
    assert "4 candidate tasks, 1 draw\n" in text and "±" not in text.split("\n\n")[0] and "größer" in text
    assert "… 2 more rows of 4; --all shows them" in format_table(given, 2)
    assert len(format_table(fig3, None).split("\n\n")[0].splitlines()) == 3 + 40
    *_, header, quadratic, exact, uniform, easy, hard, relevant = text.splitlines()
    assert cells(header) == ["mixture", "quadratic objective", "exact objective", "median over prompts"]
    value = given["objective"].sel(solution="exact", problem="exact").item()
    assert cells(exact)[0] == "exact" and cells(exact)[2:] == [f"{value:.3g} ± 0.01", f"{value:.3g}"]
    assert [cells(line)[0] for line in (quadratic, uniform, easy, hard, relevant)] == ["quadratic", *given["plain"].values]


def test_the_table_says_what_is_not_to_be_trusted(tmp_path):
    def spoil(file):
        file["settled"][1:3] = 0
        file["stationarity"][0] = 0.2
        file["tail_share"][:, 1] = 0.7

    text = format_table(open_selection(schema.write_selection(tmp_path / "spoilt.h5", edit=spoil)))
    assert text.splitlines()[-3:] == [
        "the exact problem ended with a slope above 0.001 in 1 of 4 draws",
        "the exact problem reached select.max_samples before training and fresh draws agreed to 1 % in 2 of 4 draws",
        "the exact problem has a mean that rare draws rule: see its median in 4 of 4 draws",
    ]


def test_fig3_shows_means_and_draws_per_type(selections):
    fig3 = open_selection(selections["fig3"])
    figure = draw(fig3)
    left, right = figure.axes
    assert [label.get_text().split("\n")[0] for label in left.get_xticklabels()] == TYPES
    heights = [bar.get_height() for bar in left.patches]
    of_draws = fig3["probability"].values.reshape(4, 2, 4, 10).mean(axis=-1)
    np.testing.assert_allclose(np.reshape(heights, (2, 4)), of_draws.mean(axis=0))
    dots = [line.get_ydata() for line in left.lines if len(line.get_ydata()) == 4]
    np.testing.assert_allclose(dots, of_draws.transpose(1, 2, 0).reshape(8, 4))
    clouds = [line for line in right.lines if len(line.get_ydata()) == 40]
    assert len(clouds) == 8
    np.testing.assert_array_equal(np.ravel(clouds[0].get_ydata()), fig3["probability"][:, 0, :10].values.ravel())
    lightness = [np.mean(to_rgb(left.patches[place].get_facecolor()[:3])) for place in (0, 4)]
    assert lightness[1] - lightness[0] > 0.2


@pytest.mark.parametrize("name, figure", [("fig3", "auto"), ("given", "auto"), ("fig3", "tasks")])
def test_figures_of_selections_are_written(selections, tmp_path, name, figure):
    drawn = draw(open_selection(selections[name]), figure)
    save(drawn, tmp_path, name)
    assert_nothing_overlaps(drawn)


def test_given_candidates_have_a_bar_each(selections):
    given = open_selection(selections["given"])
    figure = draw(given)
    (axes,) = figure.axes
    widths = np.reshape([bar.get_width() for bar in axes.patches], (2, 4))
    np.testing.assert_array_equal(widths, given["probability"].values[0])
    assert axes.get_yticklabels()[1].get_text() == "a-task-of-a-much-longer…"
    assert "given" in texts(figure)


def test_many_candidates_are_cut_to_the_likeliest(tmp_path):
    tasks = [f"task {i}" for i in range(100)]
    selection = open_selection(schema.write_selection(tmp_path / "many.h5", "many", tasks, draws=None))
    figure = draw(selection)
    assert "40 of 100 tasks shown" in texts(figure)
    largest = selection["probability"].max().item()
    assert max(bar.get_width() for bar in figure.axes[0].patches) == largest
    assert_nothing_overlaps(figure)


@pytest.mark.parametrize("alpha, directions", [((0.2,), (20,)), ((0.1, 0.5, 1.5), (5, 30)), ((0, 1, 2), (5, 6, 7))])
def test_other_types_have_a_figure_too(tmp_path, alpha, directions):
    tasks = [f"{a}-{b}-{i}" for a, b, i in itertools.product(alpha, directions, range(2))]
    selection = open_selection(schema.write_selection(tmp_path / "a.h5", "own", tasks, draws=1))
    figure = draw(selection)
    assert len(figure.axes) == (2 if len(tasks) <= 16 else 1)
    assert_nothing_overlaps(figure)


def test_figures_of_the_other_kind_are_refused(presets, selections, results):
    refused = [
        (open_selection(selections["fig3"]), "fig1", "not made for a selection; try --figure tasks"),
        (open_selection(selections["given"]), "fig3", "not of generated types"),
        (results("fig1"), "fig3", "not made for a sweep; try --figure generic"),
    ]
    for data, name, reason in refused:
        with pytest.raises(ResultsError, match=reason) as refusal:
            draw(data, name)
        assert refusal.value.exit_code == 2


def test_the_command_line_takes_both_kinds_of_file(presets, selections, tmp_path, capsys):
    assert main(["table", str(presets["fig1"]), str(selections["fig3"])]) == 0
    assert "cotscale: fig1: 9 of 9" in capsys.readouterr().out
    assert main(["figure", str(selections["given"]), "--output", str(tmp_path)]) == 0
    assert (tmp_path / "given.png").is_file()
