"""The figures of sweeps: error against the steps k of the chain of thought, a line per number n of examples."""

import itertools
import math
from pathlib import Path

import matplotlib
import numpy as np

from .drawing import (
    CHAIN_LABEL,
    ERROR_LABEL,
    INK,
    RC,
    Page,
    Style,
    line_handle,
    ordered_styles,
    power_of_ten,
    set_error_axis,
    style_handles,
)
from .fig3 import downstream, fig3, tasks
from .fig4 import fig4
from .panels import (
    CONTROL,
    facets,
    N_TITLE,
    DoesNotFit,
    lacking,
    mark_turn,
    measured,
    measured_handles,
    panel_title,
    require_single,
    setting,
    spread,
    turn_handle,
)
from .results import GRADIENT_DESCENT, USAGE, ResultsError, has_descent, is_selection, over_repeats, stage_axis, sweep_name
from .stages import stages
from .transformer import transformer

MOST_LINES = 6
MOST_BANDS = 3
MOST_PANELS = 12
MOST_COLUMNS = 4
FIG2B_ROWS = {"error_mean": "mean ± standard error", "error_median": "median"}
FIG2B_WINDOW = (1e-4, 1e9)
OTHER = Style("#b5b5b5", "")
LIMIT = {"linestyle": (0, (5, 2)), "linewidth": 1.1}
BOUND = {"linestyle": (0, (1, 1.6)), "linewidth": 1.2}
DESCENT = {"color": "#9a9a9a", "linewidth": 1.0, "linestyle": (0, (6, 1.5, 1, 1.5)), "zorder": 1}
EXACT = {"linestyle": "none", "marker": "x", "markersize": 8, "color": INK, "markeredgewidth": 1.2}


def fig1(results):
    """Matched training, a panel per hardness: measured beside the m → ∞ value and Corollary 3.5's bound."""
    require_single(results, "model", "mixture", "m")
    return _facets(results, "Trained and tested on the same task, by hardness", panel=(3.0, 3.5), sharey=True)


def fig2a(results):
    """Matched, isotropic: error against k, and the n that reaches a given error in k steps."""
    require_single(results, "model", "mixture", "hardness", "m")
    if results.sizes["n"] < 2:
        raise DoesNotFit("there is one value of n, and n(k) needs more")
    averages = over_repeats(results).squeeze(["model", "mixture", "hardness", "m"]).sortby("n")
    k, n = averages["k"].values, averages["n"].values
    chosen = [value for value in (10, 20, 30) if value in n] if len(n) > MOST_LINES else n
    styles = ordered_styles(chosen if len(chosen) else spread(n, 3))
    page = Page(1, 2, panel=(3.9, 3.5), gap=(0.9, 0))
    left, right = page.axes[0]
    set_error_axis(left, k, [averages["error_mean"]])
    for value in n:
        if value in styles:
            measured(page, left, averages.sel(n=value), styles[value], quantiles=True)
        else:
            page.curve(left, k, averages["error_mean"].sel(n=value).values, OTHER, linewidth=0.9, zorder=1)
    left.set(title="error falls with k and with n", xlabel=CHAIN_LABEL, ylabel=ERROR_LABEL)
    levels = _draw_iso_error(right, k, n, averages["error_mean"].transpose("n", "k").values)
    right.set(title="a longer chain buys a shorter training prompt", xlabel=CHAIN_LABEL, xlim=left.get_xlim())
    right.set_ylabel("examples per training prompt n, interpolated")
    page.heading("Trained and tested on the same task", setting(results), lacking(results))
    others = [line_handle("other n", OTHER.color, linewidth=0.9)] if len(styles) < len(n) else []
    page.legend(N_TITLE, style_handles(styles, "n = {}") + others)
    page.legend("measured", measured_handles(page, quantiles=True))
    page.legend("error that is reached (right)", levels)
    return page.figure


def fig2b(results):
    """Skewed training beside the matched control: mean and median, finite m and a large m."""
    require_single(results, "model", "hardness")
    missing = {"skewed", "matched"} - set(results["mixture"].values)
    if missing:
        raise DoesNotFit(f"there is no mixture {' or '.join(sorted(missing))}")
    averages = over_repeats(results).squeeze(["model", "hardness"]).sortby(["n", "m"])
    k, shown = averages["k"].values, _columns_of_fig2b(averages)
    styles = ordered_styles(sorted(set().union(*shown.values())))
    page = Page(2, len(shown), panel=(3.9, 2.7), sharey=True)
    drawn = [averages[name].sel(m=m, n=shown[m]) for name in FIG2B_ROWS for m in shown]
    for (name, title), m in itertools.product(FIG2B_ROWS.items(), shown):
        axes = page.axes[list(FIG2B_ROWS).index(name), list(shown).index(m)]
        set_error_axis(axes, k, drawn, FIG2B_WINDOW)
        axes.set_title(f"{title} of the prompts, m = {m}")
        for n in shown[m]:
            _skewed_and_control(page, axes, averages.sel(m=m, n=n), name, styles[n])
    page.label_outer(CHAIN_LABEL, ERROR_LABEL)
    page.heading("Trained on a skewed task: error falls, then rises", setting(results), lacking(results))
    page.legend(N_TITLE, style_handles(styles, "n = {}"))
    page.legend("training task", _fig2b_handles() + page.exit_handles())
    return page.figure


def generic(results):
    """Any sweep: a panel per model, mixture, hardness and m."""
    single = all(results.sizes[name] == 1 for name in facets(results))
    title = sweep_name(results) or "error against the chain of thought"
    return _facets(results, title, panel=(4.4, 3.5) if single else (3.0, 2.6), gap=(0.65, 0.75))


SWEEP_FIGURES = {"fig1": fig1, "fig2a": fig2a, "fig2b": fig2b, "fig2c": transformer, "fig2d": transformer}
SWEEP_FIGURES |= {"fig3-downstream": downstream, "fig4": fig4}
SWEEP_FIGURES |= {"stages": stages, "generic": generic}
WITH_STAGES = ("stages", "generic")
SELECTION_FIGURES = {"fig3": fig3, "tasks": tasks}
FIGURES = SWEEP_FIGURES | SELECTION_FIGURES


def draw(results, name="auto"):
    """The figure of that name; "auto" takes the one named as the sweep, or what fits any file of that kind."""
    figures, fallback = (SELECTION_FIGURES, "tasks") if is_selection(results) else (SWEEP_FIGURES, "generic")
    wanted = name if name != "auto" else "fig3" if is_selection(results) else sweep_name(results)
    with matplotlib.rc_context(RC):
        try:
            if name != "auto" and name not in figures:
                raise DoesNotFit(f"it is not made for {'a selection' if is_selection(results) else 'a sweep'}")
            if wanted in figures and wanted not in WITH_STAGES and stage_axis(results):
                raise DoesNotFit("training has several stages")
            return figures.get(wanted, figures[fallback])(results)
        except DoesNotFit as reason:
            if name == "auto":
                return figures[fallback](results)
            message = f"{name} does not fit these results: {reason}; try --figure {fallback}"
            raise ResultsError(message, USAGE) from None


def save(figure, directory, stem):
    """Writes STEM.png and STEM.svg into the directory, which is made if need be. Returns their paths."""
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    paths = [directory / f"{stem}.png", directory / f"{stem}.svg"]
    with matplotlib.rc_context(RC):
        figure.savefig(paths[0], dpi=160)
        figure.savefig(paths[1], metadata={"Date": None})
    return paths


def _facets(results, title, **page):
    """A page with a panel per model, mixture, hardness and m, a line per n; `page` goes to Page."""
    averages = over_repeats(results).sortby("n")
    styles = ordered_styles(spread(averages["n"].values, MOST_LINES))
    lines, quantiles = averages.sel(n=list(styles)), len(styles) <= MOST_BANDS
    names = facets(results)
    every = list(itertools.product(*(range(lines.sizes[name]) for name in names)))
    # Where a key varies for one model only, others have no cells.
    every = [index for index in every if bool(lines["error_mean"].isel(dict(zip(names, index))).notnull().any())] or every
    shown = every[:MOST_PANELS]
    columns = min(len(shown), math.prod(lines.sizes[name] for name in names[2:]), MOST_COLUMNS)
    panels = [lines.isel(dict(zip(names, index))) for index in shown]
    titles = [panel_title(results, panel) for panel in panels]
    page = Page(-(-len(shown) // columns), columns, title_lines=max(words.count("\n") + 1 for words in titles), **page)
    for axes, panel, words in zip(page.axes.flat, panels, titles):
        limits = lines if page.shares_y else panel
        set_error_axis(axes, lines["k"].values, [limits["error_mean"]])
        axes.set_title(words)
        for n, style in styles.items():
            _measured_and_theory(page, axes, panel.sel(n=n), style, quantiles)
        _gradient_descent(axes, panel)
    page.label_outer(CHAIN_LABEL, ERROR_LABEL)
    shares = ((len(styles), results.sizes["n"], "n"), (len(shown), len(every), "panels"))
    page.heading(title, setting(results), lacking(results, *shares))
    page.legend(N_TITLE, style_handles(styles, "n = {}"))
    page.legend("measured", measured_handles(page, quantiles) + _descent_handles(lines))
    page.legend("theory", _theory_handles(lines))
    return page.figure


def _measured_and_theory(page, axes, line, style, quantiles):
    k = line["k"].values
    axes.plot(k, line["theory_bound"], color=style.color, **BOUND)
    axes.plot(k, line["theory_limit"], color=style.color, **LIMIT)
    measured(page, axes, line, style, quantiles)
    axes.plot(k, line["theory_error"], **EXACT)


def _theory_handles(lines):
    """Legend entries for what there is."""
    handles = {
        "theory_limit": line_handle("limit m → ∞", **LIMIT),
        "theory_bound": line_handle("its bound (Corollary 3.5)", **BOUND),
        "theory_error": line_handle("exact at this m (k ≤ 1)", **EXACT),
    }
    return [handle for name, handle in handles.items() if lines[name].notnull().any()]


def _descent_handles(lines):
    return [line_handle("gradient descent instead", **DESCENT)] if has_descent(lines) else []


def _gradient_descent(axes, panel):
    """Draws the baseline as one line: it does not depend on n, since nothing is trained."""
    if has_descent(panel):
        error = panel["baseline_error"].sel(baseline=GRADIENT_DESCENT).transpose("n", "k").values
        known = [line for line in error if np.isfinite(line).any()]
        axes.plot(panel["k"], known[0] if known else error[0], **DESCENT)


def _columns_of_fig2b(averages):
    """For each m the n that are drawn."""
    preset = {40: (10, 20, 30), 2000: (30, 100, 300)}
    n = averages["n"].values
    return {m: [x for x in preset.get(m, ()) if x in n] or list(spread(n, 3)) for m in averages["m"].values.tolist()}


def _skewed_and_control(page, axes, lines, name, style):
    """Draws the statistic `name` of both mixtures and a ring where the skewed one turns upwards."""
    k, skewed = lines["k"].values, lines.sel(mixture="skewed")
    page.curve(axes, k, lines[name].sel(mixture="matched").values, style.lighter(), zorder=1.8, **CONTROL)
    error = skewed[name].values
    page.curve(axes, k, error, style, skewed["error_stderr"].values if name == "error_mean" else None)
    mark_turn(axes, k, error)


def _fig2b_handles():
    control = ordered_styles([0])[0].lighter().color
    return [
        line_handle("skewed", marker="o", linewidth=1.6),
        line_handle("matched (control)", control, marker="o", **CONTROL),
        turn_handle(),
    ]


def reaching_n(n, error, level):
    """The smallest n whose error is at most `level`, per k; n (n,) ascending, error (n, k), result (k,).

    Interpolated between neighbouring n, linear in log error. NaN where no n reaches the level, and where the smallest
    n does already, since the grid does not tell then.
    """
    reached = np.full(error.shape[1], np.nan)
    for k, column in enumerate(error.T):
        known = np.isfinite(column) & (column > 0)
        below = np.flatnonzero(column[known] <= level)
        if below.size and below[0] > 0:
            pair = slice(below[0] - 1, below[0] + 1)
            above, under = np.log(column[known][pair] / level)
            reached[k] = np.interp(0, [under, above], n[known][pair][::-1])
    return reached


def _draw_iso_error(axes, k, n, error):
    """Draws n(k) for a few error levels; returns their legend entries."""
    decades = 10.0 ** np.arange(6, -40, -1)
    curves = {level: reaching_n(n, error, level) for level in decades}
    curves = {level: curve for level, curve in curves.items() if np.isfinite(curve).sum() >= 2}
    styles = ordered_styles(spread(np.array(list(curves)), 5).tolist())
    axes.set_ylim(n[0] - 0.05 * (n[-1] - n[0]), n[-1] + 0.05 * (n[-1] - n[0]))
    for level, style in styles.items():
        axes.plot(k, curves[level], color=style.color, marker=style.marker, linewidth=1.6)
    if not curves:
        axes.text(0.5, 0.5, "no error level is crossed yet", transform=axes.transAxes, ha="center")
    return style_handles({power_of_ten(level): style for level, style in styles.items()}, "error ≤ {}")
