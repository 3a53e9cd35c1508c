"""Results of models that are trained in several stages."""

import numpy as np
import pytest
import xarray as xr

from cotscale_analysis import ResultsError, draw, format_table
from test_figures import assert_nothing_overlaps, lines_like, texts
from test_table import rows

CONFIGURATION = """
[[models.lsa.stages]]
objective = "direct"
mixture = "skewed"
[[models.lsa.stages]]
objective = "process"
[[models.trained.stages]]
objective = "outcome"
mixture = "skewed"
"""


@pytest.fixture
def staged(results):
    """The wide sweep, whose first model has two stages; in the second errors are half as large."""
    wide = results("wide")
    of_stages = {"task_probability", "converged", "training_diverged", *(n for n, v in wide.data_vars.items() if "k" in v.dims or n.startswith("best"))}
    of_stages = {name for name in of_stages & set(wide.data_vars) if not name.startswith("baseline")}
    both = xr.concat([wide[sorted(of_stages)], wide[sorted(of_stages)]], "stage").assign_coords(stage=[0, 1])
    both["error_mean"] = both["error_mean"] / (1 + both["stage"])
    for name, variable in both.data_vars.items():
        missing = -1 if variable.dtype.kind == "i" else np.nan
        both[name] = variable.where((both["stage"] == 0) | (both["model"] == "lsa"), missing).astype(variable.dtype)
    staged = wide.drop_vars(list(of_stages)).merge(both)
    staged["config_toml"] = xr.DataArray(CONFIGURATION)
    return staged


def test_the_table_has_a_row_per_stage_that_a_model_has(results, staged):
    before, text = rows(format_table(results("wide"), None)), format_table(staged, None)
    assert len(rows(text)) == len(before) * 3 // 2
    of_stage = [row for row in rows(text) if row["stage"] == "1"]
    assert {row["model"] for row in of_stage} == {"lsa"}
    first, second = (next(row for row in rows(text) if row["stage"] == stage) for stage in "01")
    assert float(second["best"]) == pytest.approx(float(first["best"]) / 2, rel=1e-2)
    assert {row["done/failed/pending"] for row in rows(text)} == {"2/0/0"}
    assert len(rows(format_table(staged, 5))) == 5 and f"{len(rows(text)) - 5} more rows" in format_table(staged, 5)


def test_a_cell_whose_second_stage_diverged_counts_once(staged):
    names, cells = ("model", "mixture", "hardness", "n", "repeat", "stage"), staged["status"].isel(model=0).size
    for name, value in (("converged", 0), ("training_diverged", 1)):
        staged[name] = staged[name].transpose(*names).where(staged["model"] != "lsa", value)
    assert f"{cells} not converged, {cells} of them diverged" in format_table(staged)


def test_the_figure_has_a_line_per_stage(staged):
    figure = draw(staged.isel(mixture=[0], hardness=[0], m=[0], n=[0]), "stages")
    assert [axes.get_title("left") for axes in figure.axes if axes.get_visible()] == ["model\N{NO-BREAK SPACE}lsa", "model\N{NO-BREAK SPACE}trained"]
    lines = staged["error_mean"].isel(mixture=0, hardness=0, m=0, n=0).mean("repeat")
    assert lines_like(figure.axes[0], lines.sel(model="lsa", stage=1).values)
    assert not any(np.isfinite(line.get_ydata()).any() for line in lines_like(figure.axes[1], lines.sel(model="trained", stage=1).values))
    assert {"after stage", "0 direct / outcome on\nskewed", "1 process"} <= set(texts(figure))
    assert_nothing_overlaps(figure)


def test_other_figures(results, staged):
    figure = draw(staged)
    assert any("stage\N{NO-BREAK SPACE}1" in axes.get_title("left") for axes in figure.axes), "a panel of its own"
    with pytest.raises(ResultsError, match="training has several stages"):
        draw(staged, "fig2a")
    with pytest.raises(ResultsError, match="every model is trained in one stage"):
        draw(results("wide"), "stages")
