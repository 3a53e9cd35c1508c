import importlib.metadata
import pathlib
import tomllib

import pytest

from cotscale_analysis.requirements import require_xarray

PROJECT = pathlib.Path(__file__).parents[1] / "pyproject.toml"


def test_what_is_installed_is_what_pip_is_told_to_look_for():
    requirements = pytest.importorskip("packaging.requirements")
    for text in tomllib.loads(PROJECT.read_text())["project"]["dependencies"]:
        needed = requirements.Requirement(text)
        assert needed.specifier.contains(importlib.metadata.version(needed.name)), text


@pytest.mark.parametrize("version", ["2023.01.0", "2024.11.0", "999", "0+unknown", "2023.1.0.dev3"])
def test_an_xarray_that_is_new_enough_or_does_not_say(version):
    require_xarray(version)


@pytest.mark.parametrize("version", ["2022.12.0", "0.20.1"])
def test_an_xarray_that_is_too_old(version):
    with pytest.raises(ImportError, match=f"xarray 2023.1 or newer, and this is {version}"):
        require_xarray(version)
