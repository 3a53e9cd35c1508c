"""What stands beside the results of a sweep, in groups of its file (docs/results-layout.md)."""

import hashlib

import numpy as np
import xarray as xr

from .errors import IO_ERROR, ResultsError
from .results import FAILED, count_cells, open_results

def matrices(path, engine="h5netcdf"):
    """Covariances of targets, mixtures and candidates, their eigenvalues, and trained maps, as an xarray.Dataset.

    It has the coordinates of the results. A matrix that the file leaves out is missing; attrs["left_out"] says why.
    """
    results = open_results(path, engine)
    group = _group(path, "matrices", engine)
    return group.assign_coords({name: results[name] for name in group.dims if name in results.coords})


def inputs(path, engine="h5netcdf"):
    """The files that the specification names, {name: bytes}; None for one that is not kept since it is large.

    Written under their names beside a file with `config_toml`, they make the run again. Raises ResultsError with exit
    code 74 where bytes are not those that the run has read.
    """
    open_results(path, engine)
    group = _group(path, "inputs", engine)
    files = {}
    for i, name in enumerate(group["file"].values if "file" in group.variables else ()):
        offset, length = int(group["offset"][i]), int(group["bytes"][i])
        files[str(name)] = None if offset < 0 else group["content"].values[offset : offset + length].tobytes()
        if offset >= 0 and hashlib.sha256(files[str(name)]).hexdigest() != group["sha256"][i].item():
            raise ResultsError(f"{path}: the bytes of the input {name} are not those of its SHA-256", IO_ERROR)
    return files


def failures(path, engine="h5netcdf"):
    """Why cells failed: a list of (labels of the cell, message), as far as the file has room for messages.

    The labels are a dictionary of coordinates. Only cells that are failed now are listed.
    """
    results = open_results(path, engine)
    table = _group(path, "failures", engine)
    status = results["status"]
    found = []
    for cell, message in zip(table["cell"].values, table["message"].values) if "cell" in table.variables else ():
        place = np.unravel_index(int(cell), status.shape) if cell >= 0 else None
        if place is None or status.values[place] != FAILED:
            continue
        labels = {name: results[name].values.tolist()[i] for name, i in zip(status.dims, place)}
        found.append((int(cell), labels, bytes(message.astype(np.uint8)).rstrip(b"\0").decode(errors="replace")))
    return [(labels, message) for _, labels, message in sorted(found, key=lambda entry: entry[0])]


def failures_without_message(path, engine="h5netcdf"):
    """The number of failed cells for whose messages the file has no room."""
    return count_cells(open_results(path, engine), FAILED) - len(failures(path, engine))


def _group(path, name, engine):
    """Empty where the file has no such group."""
    try:
        with xr.open_dataset(path, engine=engine, group=name) as group:
            return group.load()
    except OSError as error:
        if "group not found" in str(error) or "not found" in str(error):
            return xr.Dataset()
        raise ResultsError(f"{path}: cannot be read ({error.strerror or error})", IO_ERROR) from error
