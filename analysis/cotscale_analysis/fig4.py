"""Linear self-attention that is trained from samples, beside the optimum of the population loss."""

import itertools

import numpy as np
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from .drawing import (
    CHAIN_LABEL,
    ERROR_LABEL,
    Page,
    line_handle,
    ordered_styles,
    power_of_ten,
    set_error_axis,
    set_log_axis,
    style_handles,
)
from .panels import N_TITLE, DoesNotFit, lacking, require_single, setting, spread
from .results import over_repeats

LEARNED = "learned"
MODELS = {
    LEARNED: ("learned from samples", {"linewidth": 1.7}),
    "population": ("population optimum", {"linewidth": 1.2, "linestyle": (0, (5, 2)), "marker": ""}),
    "free_w24": ("learned, W₂₄ free", {"linewidth": 1.3, "linestyle": (0, (1, 1.6)), "marker": ""}),
}
M_OF_PAPER = {"matched": 100, "skewed": 40}
MOST_N, MOST_MIXTURES = 4, 3
WINDOW = (1e-9, 1e5)
TRAINING = {
    "training_distance": "W₂₄V₃₁ off Γ⁻¹, relative",
    "training_off_slice": "‖other weights‖ ÷ ‖V₃₁‖",
}


def fig4(results):
    """A row per mixture: error over k at the paper's m and at the largest, then the weights during training."""
    require_single(results, "hardness")
    models = [name for name in MODELS if name in results["model"].values]
    if LEARNED not in models:
        raise DoesNotFit(f"there is no model {LEARNED}")
    if results.sizes["mixture"] > MOST_MIXTURES:
        raise DoesNotFit(f"there are {results.sizes['mixture']} mixtures, at most {MOST_MIXTURES} have a row")
    results = results.sortby("n").sel(model=models)
    averages = over_repeats(results).squeeze("hardness")
    styles = ordered_styles(spread(averages["n"].values, MOST_N))
    page = Page(results.sizes["mixture"], 2 + len(TRAINING), panel=(2.8, 2.7), gap=(0.55, 0.75))
    for row, mixture in zip(page.axes, results["mixture"].values):
        for axes, m in zip(row, _columns(results["m"].values, mixture)):
            axes.set_title(f"{mixture}, m = {m}: error")
            _errors(page, axes, averages.sel(mixture=mixture, m=m), styles)
        for axes, (name, title) in zip(row[2:], TRAINING.items()):
            axes.set_title(f"{mixture}: {title}")
            _weights(axes, results.squeeze("hardness").sel(mixture=mixture), name, styles)
    page.label_outer(CHAIN_LABEL, ERROR_LABEL)
    for axes in page.axes[-1, 2:]:
        axes.set_xlabel("training steps")
    page.heading("Learned from sampled prompts, no closed form", setting(results), lacking(results))
    page.legend(N_TITLE, style_handles(styles, "n = {}"))
    handles = [line_handle(label, **{"marker": "o"} | line) for label, line in (MODELS[name] for name in models)]
    page.legend("model", handles + page.exit_handles())
    return page.figure


def _columns(m, mixture):
    """The m of the paper for this mixture, else the smallest, and the largest."""
    first = M_OF_PAPER.get(mixture)
    return [first if first in m else m.min(), *([m.max()] if m.max() != first and m.size > 1 else [])]


def _errors(page, axes, lines, styles):
    set_error_axis(axes, lines["k"].values, [lines["error_mean"].sel(n=list(styles))], WINDOW)
    for model in lines["model"].values[::-1]:
        for n, style in styles.items():
            line = lines.sel(model=model, n=n)
            stderr = line["error_stderr"].values if model == LEARNED else None
            page.curve(axes, line["k"].values, line["error_mean"].values, style, stderr, **MODELS[model][1])


def _weights(axes, results, name, styles):
    """Lines over the training steps, averaged over the repeats; models without a training record have none."""
    cells = itertools.product(results["model"].values, styles)
    curves = {(model, n): _curve(results.sel(model=model, n=n), name) for model, n in cells}
    set_log_axis(axes, [value for _, value in curves.values()])
    axes.set_xscale("symlog", linthresh=1, linscale=0.4)
    axes.xaxis.set_major_locator(FixedLocator([0, *10.0 ** np.arange(0, 10, 1)]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda steps, _: power_of_ten(steps) if steps else "0"))
    axes.xaxis.set_minor_locator(NullLocator())
    for (model, n), (steps, value) in curves.items():
        line = {"color": styles[n].color, "marker": styles[n].marker, "markersize": 4}
        axes.plot(steps, value, **line | MODELS[model][1])
    last = max((steps[-1] for steps, _ in curves.values() if steps.size), default=1)
    axes.set_xlim(-0.2, 1.4 * last)


def _curve(cells, name):
    """Steps and values as recorded; the distance also after the last step, which is seldom a power of two."""
    values = cells[name].mean("repeat").values
    known = values > 0
    steps, values = cells["training_step"].values[known], values[known]
    last, error = cells["training_steps"].max().item(), cells["preconditioner_error"].mean("repeat").item()
    if name == "training_distance" and steps.size and last > steps[-1] and np.isfinite(error):
        return np.append(steps, last), np.append(values, error)
    return steps, values
