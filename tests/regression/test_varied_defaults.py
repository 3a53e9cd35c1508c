"""Axes of keys on whose value the defaults of others depend, written before or after: each value finds its own.
(Axes in general: test_axes.py.)"""

import h5py
import pytest

from specifications import specification


# A default may be wrong with another value once it is written; every value finds its own.
@pytest.mark.parametrize("architectures, keys", [
    (["lsa", "softmax"], {}),
    (["lsa", "gpt2"], {"training": "samples", "size": "free", "layers": 1, "heads": 1, "width": 8, "steps": 5}),
])
@pytest.mark.parametrize("order", [1, -1])
def test_defaults_follow_each_value(program, architectures, keys, order):
    text = specification(models={"a": {"architecture": "lsa", **keys}}, test={"k": 1, "m": [8], "prompts": 50},
                         theory={"draws": 0})
    program.spec.write_text(f'{text}[sweep.axes]\n"models.a.architecture" = {architectures[::order]}\n')
    program("plan", program.spec)
    assert "2 of 2 cells done" in program.run()
    with h5py.File(program.out) as f:
        program.spec.write_text(f.attrs["config_toml"] if "config_toml" in f.attrs else f["config_toml"][()].decode())
    assert "(2 before this run)" in program.run(), "its text reads as itself"
