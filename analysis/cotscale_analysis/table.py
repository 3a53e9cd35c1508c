"""A plain-text table of results: a row per (model, mixture, hardness, n, m), averaged over the repeats."""

import itertools

import numpy as np

from .results import DONE, FAILED, PENDING, count_cells, over_repeats

MOST_ROWS = 40
UNITS = "errors ‖ŵ − w‖², not divided by d, averaged over the repeats that are done; z of the error at k = 1"
AXES = ("model", "mixture", "hardness", "n", "m")


def format_table(results, most_rows=MOST_ROWS):
    """The table as text; `most_rows` None shows every row."""
    rows = list(itertools.islice(_rows(results), most_rows))
    lines = [_summary(results), UNITS, *_aligned([_header(results), *rows])]
    total = int(np.prod([results.sizes[name] for name in AXES]))
    if len(rows) < total:
        lines.append(f"… {total - len(rows)} more rows of {total}; --all shows them")
    return "\n".join(lines)


def _summary(results):
    done, failed, pending = (count_cells(results, status) for status in (DONE, FAILED, PENDING))
    title = results.attrs.get("title", "no title")
    unconverged = int((results["converged"] == 0).sum())
    stopped = f", {unconverged} not converged" if unconverged else ""
    return f"{title}: {done} of {done + failed + pending} cells done, {failed} failed, {pending} pending{stopped}"


def _chain_lengths(results):
    """Places along k: 0, 1, the middle and the last."""
    last = results.sizes["k"] - 1
    return sorted({0, min(1, last), last // 2, last})


def _header(results):
    errors = [f"k={results['k'].values[place]}" for place in _chain_lengths(results)]
    return [*AXES, *errors, "best k", "best", "theory k=1", "z", "done/failed/pending"]


def _rows(results):
    averages = over_repeats(results)
    names = ("error_mean", "theory_error", "z_score")
    error, theory, z = (averages[name].transpose(*AXES, "k").values for name in names)
    status = results["status"].transpose(*AXES[:4], "repeat").values
    k = results["k"].values
    for place in np.ndindex(*error.shape[:-1]):
        labels = [_number(results[name].values[i], 6) for name, i in zip(AXES, place)]
        errors = [_number(error[place][i]) for i in _chain_lengths(results)]
        known = not np.isnan(error[place]).all()
        best = np.nanargmin(error[place]) if known else None
        smallest = [str(k[best]), _number(error[place][best])] if known else ["-", "-"]
        at_one = [_number(x[place][1]) for x in (theory, z)] if k.size > 1 else ["-", "-"]
        counts = [str((status[place[:4]] == value).sum()) for value in (DONE, FAILED, PENDING)]
        yield [*labels, *errors, *smallest, *at_one, "/".join(counts)]


def _number(value, digits=3):
    """A label or a number; "-" where there is none."""
    if isinstance(value, str):
        return value
    return "-" if np.isnan(value) else f"{value:.{digits}g}"


def _aligned(rows):
    """Lines of equally wide columns, names to the left, numbers to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    left = AXES.index("hardness")
    for row in rows:
        cells = (text.ljust(w) if i < left else text.rjust(w) for i, (text, w) in enumerate(zip(row, widths)))
        yield "  ".join(cells).rstrip()
