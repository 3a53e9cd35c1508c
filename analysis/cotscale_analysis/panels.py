"""What the figures of sweeps share: what they ask of the results, headings, and the measured line of a panel."""

import textwrap

import numpy as np

from .drawing import INK, band_handle, line_handle
from .results import DONE, FAILED, asked_for, count_cells, dimension_d
from .results import further_axes, stage_axis

FACETS = ("model", "mixture", "hardness", "m")


def facets(results):
    """What each panel has one value of."""
    return (*FACETS[:3], *further_axes(results), *stage_axis(results), FACETS[3]) if "status" in results else FACETS

N_TITLE = "examples per training prompt"
CONTROL = {"linestyle": (0, (4, 2)), "linewidth": 1.2}
TURN = {"linestyle": "none", "marker": "o", "markersize": 10, "markerfacecolor": "none", "markeredgecolor": INK}

TURN_LABEL = "smallest error before a rise"


class DoesNotFit(Exception):
    """The results are not of the shape that a figure is made for."""


def require_single(results, *dimensions):
    """Raises DoesNotFit where one of the dimensions is longer than 1."""
    for name in dimensions:
        if results.sizes[name] != 1:
            raise DoesNotFit(f"there are {results.sizes[name]} values of {name}, not one")


def spread(values, most):
    """At most `most` of the values, evenly spread, with both ends."""
    places = np.linspace(0, len(values) - 1, min(most, len(values)))
    return values[np.unique(places.round().astype(int))]


def measured(page, axes, line, style, quantiles):
    """One line over k: mean, standard error, quantiles of the prompts."""
    band = (line["error_q05"].values, line["error_q95"].values) if quantiles else None
    page.curve(axes, line["k"].values, line["error_mean"].values, style, line["error_stderr"].values, band)


def measured_handles(page, quantiles):
    """Legend entries for what `measured` draws."""
    band = [band_handle("5–95 % of the prompts")] if quantiles else []
    return [line_handle("mean ± standard error", linewidth=1.6)] + band + page.exit_handles()


def mark_turn(axes, k, error, rise=0):
    """A ring where the error (k,) is smallest, if it ends more than `rise` above that."""
    turn = np.argmin(np.where(np.isnan(error), np.inf, error))
    if error[-1] > error[turn] + rise:
        axes.plot(k[turn], error[turn], label=TURN_LABEL, **TURN)


def turn_handle():
    """The legend entry of that ring."""
    return line_handle(TURN_LABEL, **TURN)


def panel_title(results, panel):
    """What tells this panel from the others."""
    return textwrap.fill(", ".join(facet_text(panel, name) for name in facets(results) if results.sizes[name] > 1), 40)


def facet_text(panel, name):
    """The coordinate `name` of the panel in words."""
    pattern = {"model": "model {}", "mixture": "mixture {}", "hardness": "hardness {:g}", "n": "n = {}", "m": "m = {}"}
    return pattern.get(name, name + " {}").format(panel[name].item()).replace(" ", "\N{NO-BREAK SPACE}")


def setting(results):
    """What all panels share."""
    single = [name for name in facets(results) if results.sizes[name] == 1]
    words = [facet_text(results, name) for name in single]
    d = dimension_d(results)
    words += [f"d\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{d}"] if d else []
    words += [f"averages over {results.sizes['repeat']} repeats"] if results.sizes["repeat"] > 1 else []
    return ", ".join(words)


def lacking(results, *shares):
    """Says what the figure does not show; a share is (shown, of how many, what). None where it shows all."""
    done, failed, total = count_cells(results, DONE), count_cells(results, FAILED), asked_for(results)
    lines = [f"partial: {done} of {total}\ncells done"] if done < total else []
    lines += [f"{failed} failed"] if failed else []
    lines += [f"{shown} of {every} {what} shown" for shown, every, what in shares if shown < every]
    return "\n".join(lines) or None
