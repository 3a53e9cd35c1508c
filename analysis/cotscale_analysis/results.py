"""Opens results files of schema version 1 (docs/results-layout.md). Errors are ‖ŵ − w‖², not divided by d."""

from pathlib import Path

import numpy as np
import xarray as xr

SCHEMA_VERSION = 1
USAGE, OTHER_SCHEMA, IO_ERROR = 2, 65, 74  # exit codes
PENDING, DONE, FAILED = 0, 1, 2
CELL = ("model", "mixture", "hardness", "n", "repeat")
NEEDED = {*CELL, "m", "k", "status", "converged", "theory_error", "z_score", "theory_limit", "theory_bound"}
NEEDED |= {"error_mean", "error_stderr", "error_median", "error_q05", "error_q95"}


class ResultsError(Exception):
    """A file or a request that cannot be served; `exit_code` is what the command line ends with."""

    def __init__(self, message, exit_code):
        super().__init__(message)
        self.exit_code = exit_code


def open_results(path, engine="h5netcdf"):
    """Reads a results file into memory and closes it again; the file may be written by a run meanwhile.

    `engine` is "h5netcdf" or "netcdf4". Returns an xarray.Dataset laid out as the file, in which floats and times of
    a cell that is not done are NaN. Raises ResultsError with exit code 74 where the file cannot be read, 65 where it
    is not a results file of this schema version.
    """
    if not Path(path).is_file():
        raise ResultsError(f"{path}: no such file", IO_ERROR)
    try:
        with np.errstate(invalid="ignore"), xr.open_dataset(path, engine=engine) as file:
            _check_schema(path, file)
            # A run marks a cell done only after its numbers are in the file: what is read first must be the marks.
            file.variables["status"].load()
            results = file.load()
    except OSError as error:
        raise ResultsError(f"{path}: cannot be read ({error.strerror or error})", IO_ERROR) from error
    except ValueError as error:
        raise ResultsError(f"{path}: not a cotscale results file ({error})", OTHER_SCHEMA) from error
    return _only_done(results)


def sweep_name(results):
    """The sweep's name, "" where the title states none."""
    return results.attrs.get("title", "").partition("cotscale: ")[2]


def dimension_d(results):
    """d, the length of w: the exact expectation of the error at k = 0. None while no cell is done."""
    at_zero = results["theory_error"].isel(k=0).max().item()
    return None if np.isnan(at_zero) else round(at_zero)


def count_cells(results, status):
    """The number of cells with that status."""
    return int((results["status"] == status).sum())


def over_repeats(results):
    """Averages the errors and theory of the repeats that are done; the dimension `repeat` goes.

    `error_stderr` becomes the standard error of that average, from the spread between the repeats where two or more
    are done; `z_score` becomes Σz/√repeats. A mean is +inf where any repeat's is.
    """
    names = [name for name, variable in results.data_vars.items() if {"repeat", "k"} <= set(variable.dims)]
    done = results["error_mean"].notnull().sum("repeat")
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        averages = results[names].mean("repeat")
        mean = averages["error_mean"]
        relative = np.sqrt(((results["error_mean"] / mean - 1) ** 2).sum("repeat") / (done * (done - 1.0)))
        between = xr.where(np.isinf(mean), np.inf, mean * relative)
    averages["error_stderr"] = xr.where(done > 1, between, averages["error_stderr"])
    averages["z_score"] = averages["z_score"] * np.sqrt(done)
    return averages


def _check_schema(path, file):
    version = file.attrs.get("schema_version")
    if version is None:
        raise ResultsError(f"{path}: not a cotscale results file (no schema_version)", OTHER_SCHEMA)
    if version != SCHEMA_VERSION:
        message = f"{path}: schema version {version}, but this package reads version {SCHEMA_VERSION}"
        raise ResultsError(message, OTHER_SCHEMA)
    missing = sorted(NEEDED - set(file.variables))
    if missing:
        raise ResultsError(f"{path}: schema version 1 needs the variables {', '.join(missing)}", OTHER_SCHEMA)


def _only_done(results):
    done = results["status"] == DONE
    of_cells = [name for name, v in results.data_vars.items() if set(CELL) <= set(v.dims) and v.dtype.kind in "fM"]
    return results.assign({name: results[name].where(done) for name in of_cells})
