"""Task selection: which tasks are chosen, and how models that were trained on them do on the target."""

import numpy as np
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from .drawing import (
    CHAIN_LABEL,
    ERROR_LABEL,
    INK,
    MARKERS,
    Page,
    band_handle,
    line_handle,
    ordered_styles,
    set_error_axis,
)
from .panels import DoesNotFit, lacking, require_single, setting
from .results import configuration, sweep_name
from .selection import has_words, names_of_types, tasks_by_type

MOST_TASKS = 40
MOST_TYPES = 8
MOST_MIXTURES = 8
LONGEST_NAME = 24
FILLS = ("#27496d", "#e9b44c", "#9a9a9a")
UNIFORM = {"color": INK, "linestyle": (0, (4, 2)), "linewidth": 0.9}
SMALLEST = 1e-3  # the axis of probabilities is linear below, so that it holds zero
LARGEST_ERROR = 1e4
HUGE = 1e300
SOLUTIONS = ("selected", "exact")
RADIUS_TITLE = "spectral radius of I − Γ⁻¹Σ\n"
SELECT_K = {"color": "#777777", "linestyle": (0, (1, 2)), "linewidth": 1.3}


def fig3(selection):
    """Probability per type of task, and of every task against its support hardness."""
    types = tasks_by_type(selection)
    if types is None:
        raise DoesNotFit("the tasks are not of generated types (ALPHA-B-INDEX)")
    if len(types) > MOST_TYPES:
        raise DoesNotFit(f"there are {len(types)} types of task, more than {MOST_TYPES}")
    page = Page(1, 2, panel=(1.8 + 0.6 * len(types), 3.6), gap=(1.05, 0))
    left, right = page.axes[0]
    _bars_of_types(left, selection, types)
    _probability_by_hardness(right, selection, types)
    page.heading("Which tasks are selected", _selection_setting(selection))
    page.legend("mean over the tasks and draws", _solution_handles(selection) + [line_handle("uniform", **UNIFORM)])
    draws = [line_handle("one draw", marker="o", markersize=3, linestyle="none")]
    page.legend("left", draws if selection.sizes["draw"] > 1 else [])
    names = names_of_types(types)
    handles = [_type_handle(name, MARKERS[i % len(MARKERS)]) for i, name in enumerate(names.values())]
    dots = line_handle("one task", color="#777777", marker=".", linestyle="none")
    page.legend("right", [*handles, dots])
    return page.figure


def tasks(selection):
    """Any candidates: a bar per task and solution."""
    mean = selection["probability"].mean("draw").transpose("solution", "task")
    most = np.sort(np.argsort(-mean.max("solution").values, kind="stable")[:MOST_TASKS])
    shown = mean.isel(task=most)
    page = Page(1, 1, panel=(6.2, max(2.6, 0.26 * len(most))), left=2.3)
    (axes,) = page.axes[0]
    height = 0.8 / mean.sizes["solution"]
    for i, (probability, fill) in enumerate(zip(shown.values, FILLS)):
        axes.barh(np.arange(len(most)) + (i + 0.5) * height - 0.4, probability, height, color=fill)
    axes.axvline(1 / mean.sizes["task"], **UNIFORM)
    names = [name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…" for name in shown["task"].values]
    axes.set_yticks(np.arange(len(most)), names)
    axes.set(ylim=(len(most) - 0.4, -0.6), xlabel="probability of the task")
    axes.grid(False, axis="y")
    note = f"{len(most)} of {mean.sizes['task']} tasks shown" if len(most) < mean.sizes["task"] else None
    page.heading(sweep_name(selection) or "Which tasks are selected", _selection_setting(selection), note)
    page.legend("solution", _solution_handles(selection) + [line_handle("uniform", **UNIFORM)])
    return page.figure


def downstream(results):
    """Error over k on the target, a line per training mixture: median and quartiles over the draws of the tasks."""
    require_single(results, "model", "hardness", "m")
    if not 2 <= results.sizes["mixture"] <= MOST_MIXTURES:
        raise DoesNotFit(f"there are {results.sizes['mixture']} mixtures, not 2 to {MOST_MIXTURES}")
    results = results.sortby("n")
    k, mixtures = results["k"].values, results["mixture"].values.tolist()
    styles, draws = ordered_styles(mixtures), results.sizes["repeat"]
    single = results.squeeze(["model", "hardness", "m"]).transpose("mixture", "n", "repeat", "k", ...)
    quartiles = _quartiles(single["error_mean"].values)
    page = Page(1, results.sizes["n"], panel=(3.1, max(3.4, 1.9 + 0.38 * len(mixtures))), sharey=True)
    for place, (axes, n) in enumerate(zip(page.axes[0], results["n"].values)):
        set_error_axis(axes, k, [quartiles[1], [1.0]], (0, LARGEST_ERROR))
        axes.set_title(f"n = {n}")
        for (mixture, style), line in zip(styles.items(), quartiles[:, :, place].swapaxes(0, 1)):
            page.curve(axes, k, line[1], style, band=line[::2] if draws > 1 else None, linewidth=_width(mixture))
        _mark_k(axes, results)
    page.label_outer(CHAIN_LABEL, ERROR_LABEL)
    page.heading("Trained on selected tasks, tested on the target", _downstream_setting(results), lacking(results))
    page.legend("training mixture", _mixture_handles(styles))
    bands = [line_handle("median", linewidth=1.6), band_handle("quartiles")] if draws > 1 else []
    marks = [line_handle("k of the exact problem", **SELECT_K)] if _exact_k(results) is not None else []
    page.legend("over the draws of the tasks" if bands else None, bands + marks + page.exit_handles())
    title = RADIUS_TITLE + ("(median over the draws)\n" if draws > 1 else "")
    page.legend(f"{title}at n = {', '.join(map(str, results['n'].values))}", _radius_handles(single, styles))
    return page.figure


def _selection_setting(selection):
    problem = configuration(selection).get("select", {})
    words = [f"{name}\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{problem[name]}" for name in "nmk" if name in problem]
    draws = selection.sizes["draw"]
    averages = f", averages over {draws} draws of them" if draws > 1 else ""
    exact = f"; exact problem at {', '.join(words)}" if words else ""
    return f"{selection.sizes['task']} candidate tasks{averages}{exact}"


def _solution_handles(selection):
    return [Patch(facecolor=fill, label=name) for name, fill in zip(selection["solution"].values, FILLS)]


def _type_handle(name, marker):
    return line_handle(name, marker=marker, linestyle="none", markersize=7, markerfacecolor="none", markeredgewidth=1.3)


def _bars_of_types(axes, selection, types):
    """Bars of the mean probability per type (tasks of one draw are averaged first) with a dot per draw."""
    width = 0.8 / selection.sizes["solution"]
    probability = selection["probability"].transpose("solution", "draw", "task").values
    for i, (values, fill) in enumerate(zip(probability, FILLS)):
        for place, members in enumerate(types.values()):
            of_draws = values[:, members].mean(axis=1)
            x = place - 0.4 + (i + 0.5) * width
            axes.bar(x, of_draws.mean(), width * 0.94, color=fill)
            if of_draws.size > 1:
                jitter = np.linspace(-0.3, 0.3, of_draws.size) * width
                dot = dict(marker="o", markersize=3, markerfacecolor=INK, markeredgecolor="white", markeredgewidth=0.5)
                axes.plot(x + jitter, of_draws, linestyle="none", **dot)
    axes.axhline(1 / selection.sizes["task"], **UNIFORM)
    named = {t: [name] for t, name in names_of_types(types).items()} if has_words(types) else {}
    labels = ["\n".join([*named.get(t, []), f"α = {t.alpha:g}", f"B = {t.directions}"]) for t in types]
    axes.set_xticks(range(len(types)), labels, fontsize=8.5)
    axes.set(title="by type of task", ylabel="mean probability of a task")
    axes.grid(False, axis="x")


def _probability_by_hardness(axes, selection, types):
    """Dots for every task of every draw beside large markers for the mean of each type."""
    probability = selection["probability"].transpose("solution", "draw", "task").values
    hardness = selection["support_hardness"].values
    random, reach = np.random.default_rng(0), np.log(hardness.max() / hardness.min()) or 1.0
    for i, (values, fill) in enumerate(zip(probability, FILLS)):
        for place, members in enumerate(types.values()):
            x, y = hardness[members] * np.exp(0.033 * reach * (2 * i - 1)), values[:, members]
            spread = np.exp(random.uniform(-0.023, 0.023, y.shape) * reach)
            axes.plot((x * spread).ravel(), y.ravel(), ".", color=fill, markersize=4.5, alpha=0.55, markeredgewidth=0)
            mean = dict(marker=MARKERS[place % len(MARKERS)], markersize=9, markeredgecolor=INK, markeredgewidth=0.9)
            axes.plot(x.mean(), y.mean(), color=fill, linestyle="none", zorder=4, **mean)
    axes.axhline(1 / selection.sizes["task"], **UNIFORM)
    axes.set_xscale("log")
    axes.set_yscale("symlog", linthresh=SMALLEST, linscale=0.5)
    axes.set_ylim(-0.15 * SMALLEST, max(1.5 * probability.max(), 2 * SMALLEST))
    axes.yaxis.set_major_locator(FixedLocator([0, 0.001, 0.01, 0.1, 1]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_major_locator(FixedLocator(_apart(np.unique(hardness))))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_locator(NullLocator())
    axes.set(title="by support hardness", xlabel="support hardness of the task", ylabel="probability of the task")


def _apart(values):
    """Those of the ascending values whose labels do not touch on a log axis."""
    kept = [values[0]]
    for value in values[1:]:
        if np.log(value / kept[-1]) >= 0.06 * np.log(values[-1] / values[0]):
            kept.append(value)
    return kept


def _quartiles(error):
    """Lower quartile, median and upper quartile over the repeats; error (…, repeat, k), result (3, …, k)."""
    known = ~np.isnan(error).all(axis=(-2, -1))
    quartiles = np.full((3, *error.shape[:-2], error.shape[-1]), np.nan)
    if known.any():
        finite = np.minimum(error[known], HUGE)
        quartiles[:, known] = np.nanquantile(finite, [0.25, 0.5, 0.75], axis=-2)
    return np.where(quartiles > HUGE / 1e10, np.inf, quartiles)


def _exact_k(results):
    return configuration(results).get("select", {}).get("k")


def _mark_k(axes, results):
    if _exact_k(results) is not None:
        axes.axvline(_exact_k(results), zorder=1, **SELECT_K)


def _downstream_setting(results):
    draws = results.sizes["repeat"]
    return setting(results).replace(f"averages over {draws} repeats", f"{draws} draws of the tasks")


def _mixture_handles(styles):
    items = styles.items()
    return [line_handle(name, style.color, marker=style.marker, linewidth=_width(name)) for name, style in items]


def _width(mixture):
    return 2.4 if mixture in SOLUTIONS else 1.2


def _radius_handles(single, styles):
    """Legend entries with a number per n for each mixture."""
    if "spectral_radius" not in single:
        return []
    radius = single["spectral_radius"].median("repeat").values
    texts = ["   ".join(f"{x:.2f}" for x in row) for row in radius]
    pairs = zip(texts, styles.values())
    return [line_handle(text, style.color, marker=style.marker, linestyle="none") for text, style in pairs]
