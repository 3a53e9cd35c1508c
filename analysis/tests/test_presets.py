"""The figures fig2c, fig2d, fig3-downstream and fig4."""

import numpy as np
import pytest

import schema
from cotscale_analysis import ResultsError, draw, open_results
from test_figures import assert_nothing_overlaps, exits, lines_like, texts


def test_downstream_shows_medians_over_the_draws_per_mixture_and_n(results):
    data = results("fig3-downstream")
    data["error_mean"] = data["error_mean"] * (1.0 + data["repeat"]) ** data["k"]
    figure = draw(data)
    assert [axes.get_title("left") for axes in figure.axes] == ["n = 50", "n = 200"]
    for axes, n in zip(figure.axes, (50, 200)):
        medians = data["error_mean"].sel(n=n).squeeze().median("repeat")
        assert axes.get_ylim()[1] < 1e6
        for mixture in schema.MIXTURES:
            median = medians.sel(mixture=mixture).values
            if (median < axes.get_ylim()[1]).all():
                assert len(lines_like(axes, median)) >= 1
        assert len(axes.collections) == len(schema.MIXTURES)  # the areas between the quartiles
        assert any(np.array_equal(line.get_xdata(), [5, 5]) for line in axes.lines)
    assert {"median", "quartiles", "k of the exact problem", *schema.MIXTURES} <= set(texts(figure))


def test_downstream_lists_the_median_spectral_radius_per_n(results):
    data = results("fig3-downstream")
    data["spectral_radius"][{"mixture": 0}] = [[0.5, 1.5, 9.0], [1.0, 2.25, 3.0]]
    assert "1.50   2.25" in texts(draw(data))


def test_downstream_marks_what_leaves_the_window(results):
    data = results("fig3-downstream")
    steps = data["k"].values
    data["error_mean"][{"mixture": 4, "n": 1}] = 10.0 ** (1 + steps)
    data["error_mean"][{"mixture": 3, "n": 1, "repeat": [0, 1]}] = np.where(steps < 5, 1.0, np.inf)
    figure = draw(data)
    assert exits(figure.axes[0]) == []
    crossing, diverged = sorted(exits(figure.axes[1]))
    assert 3 < crossing < 4 and diverged == 5
    assert {"leaves the axis", "+∞: a prompt diverged"} <= set(texts(figure))
    assert_nothing_overlaps(figure)


def test_a_draw_that_is_not_done_does_not_count(tmp_path):
    sweep = schema.FIG3_DOWNSTREAM | {"mixtures": ("selected", "exact")}
    path = schema.write(tmp_path / "a.h5", "cotscale: fig3-downstream", done=lambda index: index[4] == 1, **sweep)
    data = open_results(path)
    figure = draw(data)
    assert lines_like(figure.axes[0], data["error_mean"].isel(mixture=0, n=0, repeat=1).values.squeeze())
    assert "partial: 4 of 12\ncells done" in texts(figure)


def test_fig4_shows_errors_and_weights_per_mixture(results):
    fig4 = results("fig4")
    figure = draw(fig4)
    titles = [axes.get_title("left") for axes in figure.axes]
    assert titles[:2] == ["matched, m = 100: error", "matched, m = 2000: error"]
    assert titles[4:6] == ["skewed, m = 40: error", "skewed, m = 2000: error"]
    cells = fig4.sel(mixture="skewed", n=20).squeeze()
    styles = {"learned": "-", "population": "--", "free_w24": "--"}
    for model, linestyle in styles.items():
        mean = cells["error_mean"].sel(m=2000, model=model).mean("repeat").values
        assert linestyle in {line.get_linestyle() for line in lines_like(figure.axes[5], mean)}
    for axes in figure.axes[2::4]:
        learned = [line for line in axes.lines if len(line.get_xdata()) and line.get_linestyle() == "-"]
        assert learned and all(line.get_xdata()[-1] == 10 and line.get_ydata()[-1] == 0.01 for line in learned)
    for axes in figure.axes[3::4]:
        drawn = [line for line in axes.lines if len(line.get_xdata())]
        assert drawn and all(line.get_xdata()[0] == 1 for line in drawn)  # off-slice weights begin at 0


def test_fig4_does_with_one_m_and_fewer_models(results):
    fig4 = results("fig4").sel(m=[100], model=["learned"])
    figure = draw(fig4)
    assert sum(axes.get_visible() for axes in figure.axes) == 6
    assert "population optimum" not in texts(figure)
    assert_nothing_overlaps(figure)


def test_fig2c_shows_runs_as_standard_deviations_beside_the_other_model(results):
    fig2c = results("fig2c")
    figure = draw(fig2c)
    titles = [axes.get_title("left") for axes in figure.axes]
    assert titles == ["gpt2, m = n", "gpt2, m = 20", "lsa, m = n", "step ÷ pseudo-Newton step"]
    for n in (20, 30, 40):
        for axes, model, m in zip(figure.axes, ("gpt2", "gpt2", "lsa"), (n, 20, n)):
            runs = fig2c["error_mean"].sel(model=model, n=n, m=m).squeeze()
            (line,) = lines_like(axes, runs.mean("repeat").values)
            mean, deviation = runs.mean("repeat").values, runs.std("repeat", ddof=1).values
            edges = np.concatenate([area.get_paths()[0].vertices[:, 1] for area in axes.collections])
            assert all(np.isclose(edges, edge, rtol=1e-9).any() for edge in (mean + deviation)[1:])
    slopes = [line for line in figure.axes[3].lines if np.shape(line.get_ydata()) == (11,)]
    assert {line.get_ydata()[0] for line in slopes} == {0.5, 0.25} and len(slopes) == 6


def test_fig2d_shows_the_control_and_marks_only_a_rise_beyond_the_noise(results):
    fig2d = results("fig2d")
    mean = np.array([5.0, 2.0, 1.0, *np.full(8, 1.1)])
    for n, noise in ((20, 0.01), (30, 0.5)):
        runs = np.tile(mean, (4, 1))
        runs[:, -1] += noise * np.array([-0.5, -1, 0.5, 1])
        fig2d["error_mean"].loc[{"model": "gpt2", "mixture": "skewed", "n": n}] = runs[:, None]
    figure = draw(fig2d)
    rings = [line for line in figure.axes[0].lines if line.get_markersize() == 10]
    assert [np.ravel(line.get_xdata())[0] for line in rings] == [2]
    control = fig2d["error_mean"].sel(model="gpt2", mixture="matched", n=20, m=20).squeeze().mean("repeat").values
    (line,) = lines_like(figure.axes[1], control)
    assert line.get_linestyle() == "--"
    assert {"skewed", "matched (control)", "smallest error before a rise"} <= set(texts(figure))


def test_what_does_not_fit_is_refused(results):
    fig1 = results("fig1").isel(hardness=[0])
    reasons = {"fig3-downstream": "1 mixtures, not 2 to 8", "fig4": "no model learned", "fig2c": "0 models are transf"}
    for name, reason in reasons.items():
        with pytest.raises(ResultsError, match=reason):
            draw(fig1, name)


def test_gradient_descent_is_drawn_once_where_it_was_run(results):
    fig1 = results("fig1")
    descent = fig1["baseline_error"].sel(baseline="gradient_descent").isel(hardness=1, n=0).squeeze().values
    figure = draw(fig1)
    (line,) = lines_like(figure.axes[1], descent)
    assert line.get_marker() == "None" and "gradient descent instead" in texts(figure)
    without = draw(fig1.drop_dims("baseline"))
    assert "gradient descent instead" not in texts(without)
