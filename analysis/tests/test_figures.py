import itertools
import struct
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
import xarray as xr
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.legend import Legend
from matplotlib.text import Text

import schema
from cotscale_analysis import ResultsError, draw, open_results, save
from cotscale_analysis.drawing import ordered_styles, power_of_ten
from cotscale_analysis.figures import reaching_n
from cotscale_analysis.results import CELL

PRESETS = ("fig1", "fig2a", "fig2b", "fig2c", "fig2d", "fig3-downstream", "fig4", "wide")


def texts(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def lines_like(axes, y):
    """The lines of the axes that go through y (k,)."""
    found = (line for line in axes.lines if np.shape(line.get_ydata()) == np.shape(y))
    return [line for line in found if np.array_equal(line.get_ydata(), y, equal_nan=True)]


def exits(axes):
    """Where lines leave the axes through the top, along k."""
    return [np.ravel(line.get_xdata())[0] for line in axes.lines if line.get_marker() == "^" and not line.get_clip_on()]


def assert_nothing_overlaps(figure):
    """Headings, titles and legends stay on the page and clear of each other."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    blocks = figure.texts + figure.legends
    shown = [axes for axes in figure.axes if axes.get_visible()]
    blocks += [axes.title if axes.title.get_text() else axes._left_title for axes in shown]
    boxes = [block.get_window_extent(renderer) for block in blocks if isinstance(block, Legend) or block.get_text()]
    frames = [axes.get_window_extent() for axes in shown]
    page = figure.bbox
    for box in boxes + [axes.get_tightbbox(renderer) for axes in shown]:
        assert page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1
    for one, other in itertools.combinations(boxes + frames, 2):
        assert not one.overlaps(other)


@pytest.mark.parametrize("name", PRESETS)
def test_a_figure_is_written_as_png_and_svg(results, tmp_path, name):
    figure = draw(results(name))
    png, svg = save(figure, tmp_path / "new" / "folder", name)
    width, height = struct.unpack(">II", png.read_bytes()[16:24])
    inches = figure.get_size_inches()
    assert (width, height) == tuple(int(side * 160) for side in inches)
    assert width > height > 600
    assert ElementTree.parse(svg).getroot().tag == "{http://www.w3.org/2000/svg}svg"
    assert_nothing_overlaps(figure)


def test_figures_are_reproducible(results, tmp_path):
    written = [save(draw(results("fig2a")), tmp_path / folder, "fig2a") for folder in "ab"]
    for one, other in zip(*written):
        assert one.read_bytes() == other.read_bytes()


def test_fig1_shows_measured_and_theory_per_hardness(results):
    fig1 = results("fig1")
    figure = draw(fig1)
    assert [axes.get_title("left") for axes in figure.axes] == ["hardness\xa010", "hardness\xa030", "hardness\xa0100"]
    for hardness, n in itertools.product(range(3), range(3)):
        cell = fig1.isel(hardness=hardness, n=n).squeeze()
        axes = figure.axes[hardness]
        (measured,) = lines_like(axes, cell["error_mean"])
        (exact,) = lines_like(axes, cell["theory_error"])
        theory = [lines_like(axes, cell[name])[0] for name in ("theory_limit", "theory_bound")]
        assert measured.get_linestyle() == "-" and exact.get_linestyle() == "None"
        assert {line.get_linestyle() for line in theory} == {"--"}
        assert {line.get_color() for line in theory} == {measured.get_color()}


def test_limits_of_the_axis_follow_what_is_measured(results):
    fig1 = results("fig1")
    bottom, top = draw(fig1).axes[0].get_ylim()
    smallest, largest = fig1["error_mean"].min().item(), fig1["error_mean"].max().item()
    assert fig1["theory_limit"].min() < smallest / 1e6
    assert smallest / 30 < bottom < smallest and largest < top < largest * 30


def test_fig2a_highlights_three_n_and_draws_error_levels(results):
    figure = draw(results("fig2a"))
    labels = texts(figure)
    assert {"n = 10", "n = 20", "n = 30", "other n"} <= set(labels) and "n = 15" not in labels
    left, right = figure.axes
    assert len(right.lines) == sum(label.startswith("error ≤ 10") for label in labels) >= 3
    for line in right.lines:
        n = line.get_ydata()[np.isfinite(line.get_ydata())]
        assert len(n) >= 2 and (np.diff(n) < 0).all()


def test_smallest_n_that_reaches_an_error():
    n, k = np.array([10, 20, 40]), np.arange(1, 7)
    error = 10 * np.exp(-0.01 * np.outer(n, k))  # log error linear in n, so that interpolation is exact
    exact = np.log(10 / 8) / (0.01 * k)
    reached = reaching_n(n, error, level=8)
    inside = (exact > 10) & (exact <= 40)
    assert inside.tolist() == [True, True, False, False, False, False]
    np.testing.assert_allclose(reached[inside], exact[inside], rtol=1e-12)
    assert np.isnan(reached[~inside]).all()


def test_smallest_n_skips_what_is_pending_or_diverged():
    error = np.array([[np.inf], [np.nan], [1.0], [np.nan], [0.01]])
    np.testing.assert_allclose(reaching_n(np.array([1, 2, 3, 4, 5]), error, level=0.1), [4.0])


def test_fig2b_shows_each_m_with_its_own_n_beside_the_control(results):
    fig2b = results("fig2b")
    figure = draw(fig2b)
    panels = {axes.get_title("left"): axes for axes in figure.axes}
    assert len(panels) == 4
    for m, shown in {40: (10, 20, 30), 2000: (30, 100, 300)}.items():
        for n, (label, name) in itertools.product((10, 20, 30, 100, 300), {"mean": 0, "median": 1}.items()):
            title = next(title for title in panels if title.startswith(f"{label} ") and title.endswith(f"m = {m}"))
            error = fig2b[("error_mean", "error_median")[name]].sel(m=m, n=n).squeeze()
            skewed = lines_like(panels[title], error.sel(mixture="skewed"))
            control = lines_like(panels[title], error.sel(mixture="matched"))
            assert len(skewed) == len(control) == (n in shown)
            if n in shown:
                assert min(to_rgb(control[0].get_color())) > min(to_rgb(skewed[0].get_color()))
                assert (skewed[0].get_linestyle(), control[0].get_linestyle()) == ("-", "--")


def test_fig2b_marks_where_lines_turn(results):
    fig2b = results("fig2b")
    axes = draw(fig2b).axes[0]
    error = fig2b["error_mean"].sel(mixture="skewed", m=40, n=[10, 20, 30]).squeeze().values
    rises = error.min(axis=1) < error[:, -1]
    assert rises.any()
    turns = [line.get_xdata()[0] for line in axes.lines if line.get_markersize() == 10]
    assert turns == error.argmin(axis=1)[rises].tolist()


def test_lines_that_leave_the_axis_are_marked_where_they_do(results):
    fig2b = results("fig2b")
    figure = draw(fig2b)
    axes = figure.axes[0]
    top = axes.get_ylim()[1]
    error = fig2b["error_mean"].sel(mixture="skewed", m=40, n=30).squeeze().values
    first = np.argmax(error > top)
    assert any(first - 1 < k <= first for k in exits(axes))
    assert "leaves the axis" in texts(figure) and "+∞: a prompt diverged" not in texts(figure)


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("k", [0, 3])
def test_diverged_lines_are_said_to_diverge(results, diverging, tmp_path, name, k):
    figure = draw(diverging(results(name), k))
    assert "+∞: a prompt diverged" in texts(figure)
    assert set(exits(figure.axes[0])) == {k}
    top = figure.axes[0].get_ylim()[1]
    assert any(np.size(line.get_xdata()) > k and line.get_ydata()[k] == top for line in figure.axes[0].lines)
    assert_nothing_overlaps(figure)
    if k:
        save(figure, tmp_path, name)


def test_enormous_errors_do_not_squash_the_rest(results, tmp_path):
    fig1 = results("fig1")
    fig1["error_mean"][{"n": 2}] = 10.0 ** (14.5 * fig1["k"])
    figure = draw(fig1)
    assert figure.axes[0].get_ylim()[1] < 1e24
    assert "leaves the axis" in texts(figure)
    save(figure, tmp_path, "fig1")


@pytest.mark.parametrize("name, sweep", [("fig1", schema.FIG1), ("fig2a", schema.FIG2A), ("fig2b", schema.FIG2B)])
@pytest.mark.parametrize("every", [2, 3, 100])
def test_partial_files_plot_what_exists_and_say_so(tmp_path, name, sweep, every):
    def done(index):
        return every != 100 and (index[1] + index[2] + index[3]) % every > 0

    def fail_first(file):
        file["status"][0, 0, 0, 0, 0] = 2

    results = open_results(schema.write(tmp_path / "a.h5", f"cotscale: {name}", done=done, edit=fail_first, **sweep))
    figure = draw(results)
    finished, total = int((results["status"] == 1).sum()), results["status"].size
    assert finished < total and (finished > 0) == (every != 100)
    assert f"partial: {finished} of {total}\ncells done\n1 failed" in texts(figure)
    drawn = sum(np.isfinite(line.get_ydata()).all() and len(line.get_xdata()) > 1 for line in figure.axes[0].lines)
    assert (drawn > 0) == (finished > 0)
    assert_nothing_overlaps(figure)
    save(figure, tmp_path, name)


def test_a_complete_file_is_not_called_partial(results):
    assert not any("partial" in text or "shown" in text for text in texts(draw(results("fig1"))))


@pytest.mark.parametrize(
    "sweep",
    [
        dict(n=(20,), steps=0),
        dict(n=(20,), steps=1),
        dict(n=tuple(range(10, 100, 10)), steps=3, hardness=(10.0, 20.0, 30.0, 40.0, 50.0)),
        dict(models=("a-model-of-a-longer-name", "b"), mixtures=("matched", "skewed"), m=(1, 100, 200), repeats=3),
        dict(models=("lsa",) * 40, n=(10,)),
    ],
)
def test_any_sweep_has_a_figure(tmp_path, sweep):
    results = open_results(schema.write(tmp_path / "a.h5", "cotscale: own", **sweep))
    figure = draw(results)
    assert "own" in texts(figure)
    panels = int(np.prod([results.sizes[name] for name in ("model", "mixture", "hardness", "m")]))
    assert sum(axes.get_visible() for axes in figure.axes) == min(panels, 12)
    omitted = f"12 of {panels} panels shown"
    assert any(omitted in text for text in texts(figure)) == (panels > 12)
    assert_nothing_overlaps(figure)
    save(figure, tmp_path, "a")


def test_a_single_prompt_has_no_standard_error(tmp_path):
    results = open_results(schema.write(tmp_path / "a.h5", "cotscale: own", prompts=1))
    assert results["error_stderr"].isnull().all()
    save(draw(results), tmp_path, "a")


def test_thinned_lines_are_said_to_be_thinned(tmp_path):
    sweep = dict(n=tuple(range(10, 20)), steps=2)
    figure = draw(open_results(schema.write(tmp_path / "a.h5", "cotscale: own", **sweep)))
    assert "6 of 10 n shown" in texts(figure)
    assert {"n = 10", "n = 19"} <= set(texts(figure))


def test_auto_follows_the_name_of_the_sweep_where_it_fits(results):
    fig1, wide = results("fig1"), results("wide")
    title = "Trained and tested on the same task, by hardness"
    assert title in texts(draw(fig1, "auto")) and title not in texts(draw(fig1, "generic"))
    wide.attrs["title"] = "cotscale: fig2a"
    assert "fig2a" in texts(draw(wide, "auto"))


def test_a_figure_that_does_not_fit_is_refused(results):
    reasons = {"fig1": "2 values of model", "fig2a": "2 values of model", "fig2b": "2 values of model"}
    for name, reason in reasons.items():
        with pytest.raises(ResultsError, match=reason) as refusal:
            draw(results("wide"), name)
        assert refusal.value.exit_code == 2
    with pytest.raises(ResultsError, match="no mixture skewed"):
        draw(results("fig2a"), "fig2b")
    with pytest.raises(ResultsError, match="one value of n"):
        draw(results("fig2a").isel(n=[0]), "fig2a")


@pytest.mark.parametrize("count", [2, 3, 5, 6])
def test_lines_differ_in_lightness_and_in_marker(count):
    styles = ordered_styles(range(count)).values()
    luminance = [np.dot(to_rgb(style.color), (0.2126, 0.7152, 0.0722)) for style in styles]
    assert min(np.diff(luminance)) > 0.05
    assert len({style.marker for style in styles}) == count


def test_powers_of_ten_are_written_out():
    assert [power_of_ten(value) for value in (1e-13, 1.0, 1e20)] == ["10⁻¹³", "10⁰", "10²⁰"]


def varied(results):
    """The same over three further axes whose names are long."""
    axes = {"curriculum_dimension_start": [1, 2], "initial_learning_rate": [0.001, 0.01], "noise_of_the_labels": [0.0, 0.25]}
    over = {name: len(values) for name, values in axes.items()}
    wide = xr.merge([v.expand_dims(over) if set(CELL) <= set(v.dims) else v for v in results.data_vars.values()])
    order = ("model", "mixture", "hardness", "n", *axes, "repeat", ...)
    return wide.transpose(*order).assign_coords(axes).assign_attrs(results.attrs)


def test_titles_of_many_varied_keys_have_room(results):
    figure = draw(varied(results("wide").isel(model=[0], hardness=[0])))
    assert_nothing_overlaps(figure)
    renderer = FigureCanvasAgg(figure).get_renderer()
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert max(axes.get_title("left").count("\n") for axes in shown) >= 2
    for one, other in itertools.permutations(shown, 2):
        other_ticks = other.xaxis.get_tightbbox(renderer)
        assert other_ticks is None or not one._left_title.get_window_extent(renderer).overlaps(other_ticks)
