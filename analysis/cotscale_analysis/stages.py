"""Training in stages: error over k after each of them."""

import itertools
import math
import textwrap

from .drawing import CHAIN_LABEL, ERROR_LABEL, Page, line_handle, ordered_styles, set_error_axis, style_handles
from .panels import DoesNotFit, facet_text, facets, lacking, measured, measured_handles, setting
from .results import over_repeats, stage_axis, stages_of

MOST_PANELS = 12
MOST_COLUMNS = 4
WINDOW = (1e-6, 1e5)
EXACT = {"linestyle": (0, (5, 2)), "linewidth": 1.1}


def stages(results):
    """A panel per model, mixture, hardness, n and m, with a line per stage; dashed is the population optimum."""
    if not stage_axis(results):
        raise DoesNotFit("every model is trained in one stage")
    averages = over_repeats(results).sortby("n")
    names = [name for name in (*facets(results)[:-1], "n", "m") if name != "stage"]
    panels = [averages.isel(dict(zip(names, place))) for place in itertools.product(*(range(averages.sizes[name]) for name in names))]
    panels = [panel for panel in panels if panel["error_mean"].notnull().any()] or panels[:1]
    shown = panels[:MOST_PANELS]
    columns = min(len(shown), math.prod(averages.sizes[name] for name in names[1:]) * averages.sizes["model"], MOST_COLUMNS)
    styles = ordered_styles(averages["stage"].values)
    page = Page(-(-len(shown) // columns), columns, panel=(3.4, 3.3), gap=(0.65, 0.75))
    for axes, panel in zip(page.axes.flat, shown):
        set_error_axis(axes, panel["k"].values, [panel["error_mean"]], WINDOW)
        axes.set_title(_title(results, panel, names))
        for stage, style in styles.items():
            line = panel.sel(stage=stage)
            axes.plot(line["k"], line["predicted_error"], color=style.color, **EXACT)
            measured(page, axes, line, style, quantiles=False)
    page.label_outer(CHAIN_LABEL, ERROR_LABEL)
    words = [setting(results)] + [facet_text(results, "n")] * (results.sizes["n"] == 1)
    page.heading("The chain after each stage of training", ", ".join(words), lacking(results, (len(shown), len(panels), "panels")))
    page.legend("after stage", style_handles({_words(results, stage): style for stage, style in styles.items()}, "{}"))
    predicted = [line_handle("the exact Γ⁻¹, predicted", **EXACT)] if averages["predicted_error"].notnull().any() else []
    page.legend("errors", measured_handles(page, quantiles=False) + predicted)
    return page.figure


def _title(results, panel, names):
    return ", ".join(facet_text(panel, name) for name in names if results.sizes[name] > 1)


def _words(results, stage):
    """The number of a stage, the objectives that models have in it, and the mixture where all have the same of their own."""
    every = [stages_of(results, model) for model in results["model"].values]
    keys = [of_model[stage] for of_model in every if stage < len(of_model)]
    objectives = dict.fromkeys(one.get("objective", "") for one in keys)
    mixtures = {one.get("mixture") for one in keys}
    own = f" on {mixtures.pop()}" if len(mixtures) == 1 and None not in mixtures else ""
    return textwrap.fill(f"{stage} {' / '.join(filter(None, objectives))}{own}".strip(), 22)
