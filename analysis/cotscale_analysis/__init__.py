"""Reads, tabulates and plots the results files of cotscale."""

from .figures import draw, save
from .results import ResultsError, open_file, open_results, open_selection, over_repeats
from .table import format_table

__all__ = [
    "ResultsError",
    "draw",
    "format_table",
    "open_file",
    "open_results",
    "open_selection",
    "over_repeats",
    "save",
]
