import functools

import numpy as np
import pytest

import schema
from cotscale_analysis import open_results

STATISTICS = ("error_mean", "error_stderr", "error_median", "error_q05", "error_q95")


@pytest.fixture(scope="session")
def presets(tmp_path_factory):
    """The path of a complete file for each preset and for a wide sweep that has no figure of its own."""
    folder = tmp_path_factory.mktemp("presets")
    wide = dict(models=("lsa", "trained"), mixtures=("matched", "isotropic"), hardness=(10.0, 40.0), m=(40, 400))
    sweeps = {"fig1": schema.FIG1, "fig2a": schema.FIG2A, "fig2b": schema.FIG2B, "wide": wide | {"repeats": 2}}
    sweeps |= {"fig2c": schema.FIG2C, "fig2d": schema.FIG2D}
    sweeps |= {"fig3-downstream": schema.FIG3_DOWNSTREAM, "fig4": schema.FIG4}
    return {
        name: schema.write(folder / f"{name}.h5", f"cotscale: {name}", **sweep) for name, sweep in sweeps.items()
    }


@pytest.fixture(scope="session")
def opened(presets):
    """Opens a preset's results by name, once."""
    return functools.cache(lambda name: open_results(presets[name]))


@pytest.fixture
def results(opened):
    """A preset's results by name; they may be changed."""
    return lambda name: opened(name).copy(deep=True)


@pytest.fixture(scope="session")
def selections(tmp_path_factory):
    """The path of a selection among generated tasks over several draws, and of one among given candidates."""
    folder = tmp_path_factory.mktemp("selections")
    given = ["a", "a-task-of-a-much-longer-name-than-fits", "größer", "0.2-20-x"]
    return {
        "fig3": schema.write_selection(folder / "fig3.h5"),
        "given": schema.write_selection(folder / "given.h5", "given", given, draws=None),
    }


@pytest.fixture
def diverging():
    """Turns the statistics of results into +inf from the step k on."""

    def diverge(results, k):
        for name in STATISTICS:
            results[name][{"k": slice(k, None)}] = np.inf
        return results

    return diverge
