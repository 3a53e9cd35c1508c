"""A plain-text table of results: a row per (model, mixture, hardness, n, m), and stage, averaged over the repeats."""

import itertools

import numpy as np

from .results import DONE, FAILED, GRADIENT_DESCENT, NOT_ASKED_FOR, PENDING, configuration, count_cells, has_descent, is_selection
from .results import further_axes, over_repeats, stage_axis, stages_of
from .selection import format_selection
from .text import aligned, number

MOST_ROWS = 40
MOST_DIFFERING = 10
UNITS = "errors ‖ŵ − w‖², not divided by d, means over repeats; predicted: best k; GD: gradient descent; z: exact_z at k = 1"
FEW = 16  # diverging prompts that a cell should expect, before it is taken to show what they do to the mean


def _axes(results):
    """What each row has one value of."""
    return ("model", "mixture", "hardness", "n", *further_axes(results), *stage_axis(results), "m")


def format_table(results, most_rows=MOST_ROWS):
    """The table as text, of a sweep or of a selection; `most_rows` None shows every row."""
    if is_selection(results):
        return format_selection(results, most_rows)
    rows = list(itertools.islice(_rows(results), most_rows))
    lines = [_summary(results), UNITS, *aligned([_header(results), *rows], _axes(results).index("hardness"))]
    asked = (results["status"] != NOT_ASKED_FOR).any("repeat")
    stages = [len(stages_of(results, model)) for model in results["model"].values]
    total = int((asked.transpose(..., "model") * stages).sum()) * results.sizes["m"]
    if len(rows) < total:
        lines.append(f"… {total - len(rows)} more rows of {total}; --all shows them")
    lines += _differing(results)
    return "\n".join(lines)


def _summary(results):
    done, failed, pending = (count_cells(results, status) for status in (DONE, FAILED, PENDING))
    title = results.attrs.get("title", "no title")
    unconverged = int((results["converged"] == 0).any(stage_axis(results)).sum())
    diverged = int((results["training_diverged"] == 1).any(stage_axis(results)).sum())
    stopped = f", {unconverged} not converged" if unconverged else ""
    stopped += f", {diverged} of them diverged" if diverged else ""
    return f"{title}: {done} of {done + failed + pending} cells done, {failed} failed, {pending} pending{stopped}"


def differs(results):
    """Where the measured and the predicted best k differ by more than either is uncertain, over (cell, m), bool.

    Their intervals have no k in common. A measured best k that is too large because the prompts are too few to show the
    draws that diverge (fewer than FEW are expected) does not count.
    """
    known = (results["status"] == DONE) & (results["best_k"] >= 0) & (results["predicted_best_k"] >= 0)
    prompts = configuration(results).get("test", {}).get("prompts", np.inf)
    diverging = results["predicted_diverging_share"] * prompts
    hidden = (diverging > 0) & (diverging < FEW)
    larger = (results["best_k_first"] > results["predicted_best_k_last"]) & ~hidden
    return known & (larger | (results["best_k_last"] < results["predicted_best_k_first"]))


def _differing(results):
    """Lines that point out the cells where differs() holds; none where it does nowhere."""
    found = differs(results).transpose(*_axes(results)[:-1], "repeat", "m")
    if not found.any():
        return []
    names = ("best_k", "best_k_first", "best_k_last")
    measured = [results[name].transpose(*found.dims).values for name in names]
    predicted = [results[f"predicted_{name}"].transpose(*found.dims).values for name in names]
    places = np.argwhere(found.values)
    lines = [f"measured and predicted best k differ by more than either is uncertain in {len(places)} of {found.size}:"]
    for place in map(tuple, places[:MOST_DIFFERING]):
        labels = ", ".join(f"{name} {number(results[name].values[i], 6)}" for name, i in zip(found.dims, place))
        texts = (_interval(*(values[place] for values in kind)) for kind in (measured, predicted))
        lines.append("  {}: measured {}, predicted {}".format(labels, *texts))
    if len(places) > MOST_DIFFERING:
        lines.append(f"  … and {len(places) - MOST_DIFFERING} more")
    return lines


def _interval(best, first, last):
    return str(best) if first == last else f"{best} ({first} to {last})"


def _chain_lengths(results):
    """Places along k: 0, 1, the middle and the last."""
    last = results.sizes["k"] - 1
    return sorted({0, min(1, last), last // 2, last})


def _header(results):
    errors = [f"k={results['k'].values[place]}" for place in _chain_lengths(results)]
    baseline = [f"GD {errors[-1]}"] if has_descent(results) else []
    return [*_axes(results), *errors, "best k", "predicted", "best", *baseline, "theory k=1", "z", "done/failed/pending"]


def _rows(results):
    averages = over_repeats(results)
    names, axes = ("error_mean", "predicted_error", "theory_error", "exact_z"), _axes(results)
    error, predicted, theory, z = (averages[name].transpose(*axes, "k").values for name in names)
    descent = _descent(averages, axes)
    status = results["status"].broadcast_like(results["error_mean"].isel(m=0, k=0)).transpose(*axes[:-1], "repeat").values
    k = results["k"].values
    stages = [len(stages_of(results, model)) for model in results["model"].values]
    for place in np.ndindex(*error.shape[:-1]):
        beyond = bool(stage_axis(results)) and place[-2] >= stages[place[0]]
        if beyond or (status[place[:-1]] == NOT_ASKED_FOR).all():
            continue
        labels = [number(results[name].values[i], 6) for name, i in zip(axes, place)]
        errors = [number(error[place][i]) for i in _chain_lengths(results)]
        best, expected = _smallest(error[place]), _smallest(predicted[place])
        smallest = [number(k[i], 6) if i is not None else "-" for i in (best, expected)]
        smallest += [number(error[place][best]) if best is not None else "-"]
        baseline = [number(descent[place])] if descent is not None else []
        at_one = [number(x[place][1]) for x in (theory, z)] if k.size > 1 else ["-", "-"]
        counts = [str((status[place[:-1]] == value).sum()) for value in (DONE, FAILED, PENDING)]
        yield [*labels, *errors, *smallest, *baseline, *at_one, "/".join(counts)]


def _descent(averages, axes):
    """The error of gradient descent at the last k, over the axes; None where the file has no baselines."""
    if not has_descent(averages):
        return None
    last = averages.isel(k=-1)
    return last["baseline_error"].sel(baseline=GRADIENT_DESCENT).broadcast_like(last["error_mean"]).transpose(*axes).values


def _smallest(error):
    """Where along k (k,) the error is smallest; None where nothing is known."""
    return None if np.isnan(error).all() else np.nanargmin(error)
