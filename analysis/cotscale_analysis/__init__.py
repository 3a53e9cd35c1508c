"""Reads, tabulates and plots the results files of cotscale."""

import xarray

from .requirements import require_xarray

require_xarray(xarray.__version__)

from .figures import draw, save  # noqa: E402  (after the check)
from .results import ResultsError, failures, open_file, open_results, open_selection, over_repeats  # noqa: E402
from .table import format_table  # noqa: E402

__all__ = [
    "ResultsError",
    "draw",
    "failures",
    "format_table",
    "open_file",
    "open_results",
    "open_selection",
    "over_repeats",
    "save",
]
