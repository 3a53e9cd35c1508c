"""Opens the files of schema version 3 (docs/results-layout.md): results of sweeps and of task selections.

Errors are ‖ŵ − w‖², not divided by d.
"""

import tomllib
from pathlib import Path

import numpy as np
import xarray as xr

from .errors import IO_ERROR, OTHER_SCHEMA, USAGE, ResultsError  # noqa: F401  (USAGE is imported from here)
from .seal import check_seal

SCHEMA_VERSION = 3
LAST_COMMITS = ("2f17c40", "0e75c6a")  # that read versions 1 and 2
PENDING, DONE, FAILED, NOT_ASKED_FOR = 0, 1, 2, 3
GRADIENT_DESCENT = "gradient_descent"  # the baseline
CELL = ("model", "mixture", "hardness", "n", "repeat")
NEEDED = {*CELL, "m", "k", "status", "converged", "training_diverged", "theory_error", "exact_z", "theory_limit", "theory_bound"}
NEEDED |= {"error_mean", "error_stderr", "error_median", "error_q05", "error_q95", "predicted_error", "config_toml"}
NEEDED |= {"best_k", "best_k_first", "best_k_last", "predicted_best_k", "predicted_best_k_first", "predicted_best_k_last"}
NEEDED |= {"predicted_diverging_share"}
SELECTION_TITLE = "cotscale selection: "
NEEDED_OF_SELECTION = {"config_toml", "task", "solution", "problem", "hardness", "support_hardness"}
NEEDED_OF_SELECTION |= {"probability", "objective", "kkt_residual"}
OF_THE_EXACT_PROBLEM = {"stationarity", "descended", "samples", "fresh_samples", "settled"}
NEEDED_OF_SELECTION |= {"plain", "plain_objective", "plain_objective_stderr", "objective_stderr", "objective_median"}
NEEDED_OF_SELECTION |= {"objective_training", "tail_share"} | OF_THE_EXACT_PROBLEM


def open_results(path, engine="h5netcdf"):
    """Reads a sweep's results file into memory and closes it again; the file may be written by a run meanwhile.

    `engine` is "h5netcdf" or "netcdf4". Returns an xarray.Dataset laid out as the file, in which floats and times of
    a cell that is not done are NaN. Weights are left out: they are in a group of their own. Raises ResultsError with
    exit code 74 where the file cannot be read or is damaged, 65 where it is not a results file of this schema version.
    """
    results = open_file(path, engine)
    if is_selection(results):
        raise ResultsError(f"{path}: holds a selection of tasks, not the results of a sweep", OTHER_SCHEMA)
    return results


def open_selection(path, engine="h5netcdf"):
    """Reads a file of `cotscale select` as open_results does a sweep's. The dimension `draw` is always there.

    Returns an xarray.Dataset with probability (draw, solution, task), objective (draw, solution, problem) and
    kkt_residual (draw,); a file for given candidates counts as one draw.
    """
    selection = open_file(path, engine)
    if not is_selection(selection):
        raise ResultsError(f"{path}: holds the results of a sweep, not a selection of tasks", OTHER_SCHEMA)
    return selection


def open_file(path, engine="h5netcdf"):
    """Reads a file of either kind, as open_results or as open_selection; is_selection() tells them apart."""
    if not Path(path).is_file():
        raise ResultsError(f"{path}: no such file", IO_ERROR)
    try:
        check_seal(path)
        with xr.open_dataset(path, engine=engine) as file:
            _check_schema(path, file)
            if not is_selection(file):
                # A run marks a cell done only after its numbers are in the file: what is read first must be the marks.
                file.variables["status"].load()
            results = file.load()
    except OSError as error:
        raise ResultsError(f"{path}: cannot be read ({error.strerror or error})", IO_ERROR) from error
    except ValueError as error:
        raise ResultsError(f"{path}: not a cotscale results file ({error})", OTHER_SCHEMA) from error
    return _with_draws(results) if is_selection(results) else _only_done(results)


def asked_for(results):
    """The number of cells that the sweep has: all but those that no model depends on."""
    return results["status"].size - count_cells(results, NOT_ASKED_FOR)


def is_selection(results):
    """Whether this is what `cotscale select` wrote."""
    return results.attrs.get("title", "").startswith(SELECTION_TITLE)


def sweep_name(results):
    """The name of the sweep or selection, "" where the title states none."""
    title = results.attrs.get("title", "")
    prefixes = [prefix for prefix in (SELECTION_TITLE, "cotscale: ") if title.startswith(prefix)]
    return title.removeprefix(prefixes[0]) if prefixes else ""


def configuration(results):
    """The resolved specification as nested dictionaries."""
    try:
        return tomllib.loads(results["config_toml"].item())
    except tomllib.TOMLDecodeError as error:
        raise ResultsError(f"config_toml is no TOML ({error})", OTHER_SCHEMA) from error


def dimension_d(results):
    """d, the length of w: the exact expectation of the error at k = 0. None while no cell is done."""
    at_zero = results["theory_error"].isel(k=0).max().item()
    return None if np.isnan(at_zero) else round(at_zero)


def count_cells(results, status):
    """The number of cells with that status."""
    return int((results["status"] == status).sum())


def has_descent(results):
    """Whether the file has the baseline of gradient descent."""
    return "baseline" in results.coords and GRADIENT_DESCENT in results["baseline"].values


def further_axes(results):
    """Dimensions of cells beyond model, mixture, hardness, n and repeat: keys that vary ([sweep.axes])."""
    return tuple(name for name in results["status"].dims if name not in ("model", "mixture", "hardness", "n", "repeat"))


def stage_axis(results):
    """The dimension that tells the trainings of a model from each other, in a tuple; empty where no model has several."""
    return ("stage",) if "stage" in results.dims else ()


def stages_of(results, model):
    """The stages of a model's training, a dictionary of keys each; one without keys where the specification lists none."""
    return configuration(results).get("models", {}).get(model, {}).get("stages", [{}])


def over_repeats(results):
    """Averages the errors and theory of the repeats that are done; the dimension `repeat` goes.

    `error_stderr` becomes the standard error of that average, from the spread between the repeats where two or more
    are done; `exact_z` and `z_score` become Σz/√repeats. A mean is +inf where any repeat's is.
    """
    names = [name for name, variable in results.data_vars.items() if {"repeat", "k"} <= set(variable.dims)]
    done = results["error_mean"].notnull().sum("repeat")
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        averages = results[names].mean("repeat")
        mean = averages["error_mean"]
        relative = np.sqrt(((results["error_mean"] / mean - 1) ** 2).sum("repeat") / (done * (done - 1.0)))
        between = xr.where(np.isinf(mean), np.inf, mean * relative)
    averages["error_stderr"] = xr.where(done > 1, between, averages["error_stderr"])
    for name in {"exact_z", "z_score"} & set(averages):
        averages[name] = averages[name] * np.sqrt(results[name].notnull().sum("repeat"))
    return averages


def _check_schema(path, file):
    version = file.attrs.get("schema_version")
    if version is None:
        raise ResultsError(f"{path}: not a cotscale results file (no schema_version)", OTHER_SCHEMA)
    if version != SCHEMA_VERSION:
        readers = _readers(path, file, version)
        message = f"{path}: schema version {version}, but this package reads version {SCHEMA_VERSION}; it is read by {readers}"
        raise ResultsError(message, OTHER_SCHEMA)
    missing = sorted((NEEDED_OF_SELECTION if is_selection(file) else NEEDED) - set(file.variables))
    if missing:
        message = f"{path}: schema version {SCHEMA_VERSION} needs the variables {', '.join(missing)}"
        raise ResultsError(message, OTHER_SCHEMA)


def _readers(path, file, version):
    """Who reads that version: the build that wrote the file, as far as it says which, or the last commit before the next."""
    writer = file.attrs
    if "git_sha" not in writer:
        try:
            with xr.open_dataset(path, engine="h5netcdf", group="provenance") as group:
                writer = group.attrs
        except (OSError, ValueError, KeyError):
            writer = {}
    reader = "a newer cotscale"
    if version < SCHEMA_VERSION:
        reader = f"a cotscale up to commit {LAST_COMMITS[0 if version < 2 else 1]}"
    if "git_sha" in writer:
        reader += f", such as the {writer.get('cotscale_version')} of commit {writer['git_sha']} that wrote it"
    return reader


def _only_done(results):
    done = results["status"] == DONE
    of_cells = [name for name, v in results.data_vars.items() if set(CELL) <= set(v.dims) and v.dtype.kind in "fM"]
    return results.assign({name: results[name].where(done) for name in of_cells})


def _with_draws(selection):
    drawn = [name for name, v in selection.data_vars.items() if {"solution", "problem", "plain"} & set(v.dims)]
    if "draw" in selection.dims:
        return selection
    drawn += ["kkt_residual", *sorted(OF_THE_EXACT_PROBLEM)]
    return selection.assign({name: selection[name].expand_dims("draw") for name in drawn})
