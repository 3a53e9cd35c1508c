"""Reads, tabulates and plots the results files of cotscale."""

import xarray

from .requirements import require_xarray

require_xarray(xarray.__version__)

from .figures import draw, save  # noqa: E402  (after the check)
from .groups import failures, failures_without_message, inputs, matrices  # noqa: E402
from .results import ResultsError, open_file, open_results, open_selection, over_repeats  # noqa: E402
from .table import format_table  # noqa: E402

__all__ = [
    "ResultsError",
    "draw",
    "failures",
    "failures_without_message",
    "format_table",
    "inputs",
    "matrices",
    "open_file",
    "open_results",
    "open_selection",
    "over_repeats",
    "save",
]
