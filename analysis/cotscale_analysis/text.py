"""Plain-text tables."""

import numpy as np


def number(value, digits=3):
    """A label or a number; "-" where there is none."""
    if isinstance(value, str):
        return value
    return "-" if np.isnan(value) else f"{value:.{digits}g}"


def aligned(rows, left):
    """Lines of equally wide columns, the first `left` of them to the left, the others, numbers, to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = (text.ljust(w) if i < left else text.rjust(w) for i, (text, w) in enumerate(zip(row, widths)))
        yield "  ".join(cells).rstrip()
