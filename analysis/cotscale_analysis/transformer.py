"""Figures 2c and 2d: a GPT-2-style model beside linear self-attention, and its steps beside pseudo-Newton steps."""

import numpy as np

from .drawing import CHAIN_LABEL, ERROR_LABEL, Page, line_handle, ordered_styles, set_error_axis, style_handles
from .panels import CONTROL, N_TITLE, DoesNotFit, lacking, mark_turn, require_single, setting, spread, turn_handle
from .results import over_repeats

MOST_N = 4
CONTROL_MIXTURE = "matched"
FIT_LABEL = "slope, and R² (dotted)"
R_SQUARED = {"linestyle": (0, (1, 1.6)), "marker": "", "linewidth": 1.3}


def transformer(results):
    """Error over k of each n: on prompts as long as in training, on the shortest, and of the other model.

    Bands are standard deviations between the runs. The last panel is the regression of the steps on pseudo-Newton steps.
    """
    require_single(results, "hardness")
    words = setting(results), lacking(results)
    results = results.squeeze("hardness").sortby(["n", "m"])
    model, other = _models(results)
    mixture, control = _mixtures(results["mixture"].values.tolist())
    styles = ordered_styles(spread(results["n"].values, MOST_N))
    shortest = results["m"].values.min()
    panels = [(f"{model}, m = {shortest}", model, lambda n: shortest)]
    if set(styles) <= set(results["m"].values):
        panels.insert(0, (f"{model}, m = n", model, int))
    if other is not None:
        panels.append((f"{other}, " + panels[0][0].split(", ")[1], other, panels[0][2]))
    page = Page(1, len(panels) + 1, panel=(2.7, 3.3), gap=(0.55, 0))
    for axes, (title, name, m_of) in zip(page.axes[0], panels):
        axes.set_title(title)
        lines = {n: results.sel(model=name, n=n, m=m_of(n)) for n in styles}
        shown = [_mean(line.sel(mixture=one)) for line in lines.values() for one in (mixture, control) if one]
        set_error_axis(axes, results["k"].values, shown)
        for n, line in lines.items():
            if control:
                error = _mean(line.sel(mixture=control))
                page.curve(axes, line["k"].values, error, styles[n].lighter(), zorder=1.8, **CONTROL)
            _runs(page, axes, line.sel(mixture=mixture), styles[n])
    _newton(page.axes[0, -1], results.sel(model=model, mixture=mixture), styles, panels[0][2])
    page.label_outer(CHAIN_LABEL, ERROR_LABEL)
    page.axes[0, -1].set_ylabel(FIT_LABEL)
    trained = "Trained and tested on the same task" if mixture == CONTROL_MIXTURE else f"Trained on {mixture}"
    page.heading(f"A transformer's chain of thought. {trained}", *words)
    page.legend(N_TITLE, style_handles(styles, "n = {}"))
    page.legend("training task", _handles(mixture, control) + page.exit_handles())
    return page.figure


def _models(results):
    """The only transformer, and the only other model or None."""
    slope, names = results["newton_slope"], results["model"].values
    compared = slope.notnull().any([name for name in slope.dims if name != "model"])
    transformers, others = names[compared.values].tolist(), names[~compared.values].tolist()
    if len(transformers) != 1 or len(others) > 1:
        counts = f"{len(transformers)} models are transformers and {len(others)} are not"
        raise DoesNotFit(f"{counts}; it wants one, and at most one")
    return transformers[0], others[0] if others else None


def _mixtures(names):
    """What is shown, and the control or None."""
    if len(names) == 1:
        return names[0], None
    if len(names) != 2 or CONTROL_MIXTURE not in names:
        raise DoesNotFit(f"there are the mixtures {', '.join(names)}, not one, or one and {CONTROL_MIXTURE}")
    return next(name for name in names if name != CONTROL_MIXTURE), CONTROL_MIXTURE


def _mean(cells):
    return over_repeats(cells)["error_mean"].values


def _runs(page, axes, cells, style):
    """Mean over the runs ± standard deviation; a ring where it turns up by more than two standard errors of the mean."""
    averages = over_repeats(cells)
    k, error, stderr = (averages[name].values for name in ("k", "error_mean", "error_stderr"))
    deviation = stderr * np.sqrt(cells["error_mean"].notnull().sum("repeat").values)
    with np.errstate(invalid="ignore"):
        band = (error - deviation, error + deviation) if cells.sizes["repeat"] > 1 else None
    page.curve(axes, k, error, style, band=band)
    mark_turn(axes, k, error, 0 if np.isinf(error[-1]) else 2 * stderr[-1])


def _newton(axes, results, styles, m_of):
    axes.set_title("step ÷ pseudo-Newton step")
    axes.axhline(1, color="#9a9a9a", linewidth=1)
    for n, style in styles.items():
        cells = results[["newton_slope", "newton_r2"]].sel(n=n, m=m_of(n)).mean("repeat")
        axes.plot(cells["k"] + 1, cells["newton_slope"], color=style.color, marker=style.marker, linewidth=1.6)
        axes.plot(cells["k"] + 1, cells["newton_r2"], color=style.color, **R_SQUARED)
    axes.set_ylim(bottom=min(0, axes.get_ylim()[0]))


def _handles(mixture, control):
    handles = [line_handle(mixture, marker="o", linewidth=1.6)]
    if control:
        color = ordered_styles([0])[0].lighter().color
        handles.append(line_handle(f"{control} (control)", color, marker="o", **CONTROL))
    return handles + [turn_handle()]
