"""Figures 2c and 2d: a GPT-2-style model beside linear self-attention, and its steps beside pseudo-Newton steps."""

import numpy as np
from matplotlib.ticker import MaxNLocator

from .drawing import (
    CHAIN_LABEL,
    ERROR_LABEL,
    Page,
    band_handle,
    line_handle,
    ordered_styles,
    set_error_axis,
    style_handles,
)
from .panels import (
    CONTROL,
    N_TITLE,
    TURN_LABEL,
    DoesNotFit,
    lacking,
    mark_turn,
    require_single,
    setting,
    spread,
    turn_handle,
)
from .results import configuration, over_repeats

MOST_N = 4
CONTROL_MIXTURE = "matched"
FIT_LABEL = "slope, and R² (dotted)"
WINDOW = (1e-6, 1e4)  # beside errors that diverge, those of the transformer are to be seen
RUN = {"linewidth": 0.6, "alpha": 0.45}
R_SQUARED = {"linestyle": (0, (1, 1.6)), "marker": "", "linewidth": 1.3}


def transformer(results):
    """Error over k of each n: on prompts as long as in training, on the shortest, and of the other model.

    Runs are thin lines, bands their standard deviation. The last panel is the regression of the steps on pseudo-Newton's.
    """
    require_single(results, "hardness")
    words = setting(results), lacking(results)
    results = results.squeeze("hardness").sortby(["n", "m"])
    model, other = _models(results)
    mixture, control = _mixtures(results["mixture"].values.tolist())
    styles = ordered_styles(spread(results["n"].values, MOST_N))
    shortest = results["m"].values.min()
    choices = [(f"m = {shortest}", lambda n: shortest)]
    if set(styles) <= set(results["m"].values):
        choices.insert(0, ("m = n", int))
    panels = [(model, *choice) for choice in choices]
    if other is not None:
        panels.append((other, *choices[0]))
    page = Page(1, len(panels) + 1, panel=(2.7, 3.3), gap=(0.55, 0))
    for axes, (name, title, m_of) in zip(page.axes[0], panels):
        axes.set_title(f"{name}, {title}")
        lines = {n: results.sel(model=name, n=n, m=m_of(n)) for n in styles}
        shown = [line["error_mean"].sel(mixture=mixture).values for line in lines.values()]
        shown += [_mean(line.sel(mixture=control)) for line in lines.values() if control]
        set_error_axis(axes, results["k"].values, shown, WINDOW)
        for n, line in lines.items():
            if control:
                error = _mean(line.sel(mixture=control))
                page.curve(axes, line["k"].values, error, styles[n].lighter(), zorder=1.8, **CONTROL)
            _runs(page, axes, line.sel(mixture=mixture), styles[n])
    _newton(page.axes[0, -1], results.sel(model=model, mixture=mixture), styles, choices[0][1])
    page.label_outer(CHAIN_LABEL, ERROR_LABEL)
    page.axes[0, -1].set_ylabel(FIT_LABEL)
    trained = "Trained and tested on the same task" if mixture == CONTROL_MIXTURE else f"Trained on {mixture}"
    page.heading(f"A transformer's chain of thought. {trained}", *words)
    page.legend(N_TITLE, style_handles(styles, "n = {}"))
    turned = any(line.get_label() == TURN_LABEL for axes in page.axes.flat for line in axes.lines)
    turns = [turn_handle()] if turned else []
    runs = [line_handle("a run", **RUN), band_handle("± standard deviation")] if results.sizes["repeat"] > 1 else []
    page.legend("training task", _handles(mixture, control) + runs + turns + page.exit_handles())
    return page.figure


def _models(results):
    """The only transformer, and the only other model or None."""
    tables, names = configuration(results).get("models", {}), results["model"].values.tolist()
    transformers = [name for name in names if tables.get(name, {}).get("architecture") == "gpt2"]
    others = [name for name in names if name not in transformers]
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
    """Mean over the runs ± standard deviation; a ring where it turns up, by more than two standard errors of that rise."""
    averages = over_repeats(cells)
    k, error, stderr = (averages[name].values for name in ("k", "error_mean", "error_stderr"))
    done = cells["error_mean"].notnull().sum("repeat").values
    with np.errstate(invalid="ignore"):
        deviation = np.where((done > 1) & (error < axes.get_ylim()[1]), stderr * np.sqrt(done), np.nan)
        band = (error - deviation, error + deviation) if (done > 1).any() else None
    runs = cells["error_mean"].transpose("repeat", "k").values
    for run in runs if band else ():
        axes.plot(k, np.where(np.isfinite(run), run, np.nan), color=style.color, zorder=1.6, **RUN)
    page.curve(axes, k, error, style, band=band)
    mark_turn(axes, k, error, 2 * _stderr_of_rise(runs, error))


def _stderr_of_rise(runs, mean):
    """Of the last error (runs, k) less that where the mean (k,) is smallest; 0 where runs diverge, or there is one."""
    done = runs[np.isfinite(runs[:, -1])]
    if len(done) < 2 or not np.isfinite(mean[-1]):
        return 0
    return (done[:, -1] - done[:, np.nanargmin(mean)]).std(ddof=1) / np.sqrt(len(done))


def _newton(axes, results, styles, m_of):
    axes.set_title("step ÷ pseudo-Newton step")
    axes.axhline(1, color="#9a9a9a", linewidth=1)
    for n, style in styles.items():
        cells = results[["newton_slope", "newton_r2"]].sel(n=n, m=m_of(n)).mean("repeat")
        axes.plot(cells["k"] + 1, cells["newton_slope"], color=style.color, marker=style.marker, linewidth=1.6)
        axes.plot(cells["k"] + 1, cells["newton_r2"], color=style.color, **R_SQUARED)
    axes.set_ylim(bottom=min(0, axes.get_ylim()[0]))
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))


def _handles(mixture, control):
    handles = [line_handle(mixture, marker="o", linewidth=1.6)]
    if control:
        color = ordered_styles([0])[0].lighter().color
        handles.append(line_handle(f"{control} (control)", color, marker="o", **CONTROL))
    return handles
