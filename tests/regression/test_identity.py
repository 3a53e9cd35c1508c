"""Identities of cells in files: the same for the same cells of other studies, others where numbers are, and asked for by a resumed run."""

import shutil

import h5py
import numpy

from specifications import specification

MODELS = {"exact": {}, "learned": {"training": "samples", "steps": 3, "batch": 8}}
MIXTURES = {"own": {"spectrum": "list", "eigenvalues": [3, 1, 1, 0.5]}}
TARGET = {"rotation": "independent"}


def identities(path):
    """Over (model, mixture, hardness, n, …), both halves as one integer."""
    with h5py.File(path) as f:
        high, low = f["identity_high"][()].astype(object), f["identity_low"][()].astype(object)
        return high * 2**64 + low


def cells_of(path):
    """What each identity stands for: the bytes of the cell's variables that every study has."""
    ids = identities(path).ravel()
    with h5py.File(path) as f:
        names = [name for name in f if name.startswith(("error_", "z_score", "theory_", "baseline_e", "final_", "best_", "exact_z", "w24"))]
        rows = {name: f[name][()].reshape(len(ids), -1) for name in names}
    return {identity: {name: values[i].tobytes() for name, values in rows.items()} for i, identity in enumerate(ids)}


def test_a_study_that_grows_keeps_the_identities_and_bits_of_its_cells(program):
    program.spec.write_text(specification(models=MODELS, mixtures=MIXTURES, target=TARGET, sweep={"mixtures": ["own", "skewed"], "repeats": 2}))
    program.run()
    small = cells_of(program.out)
    assert len(small) == 8 and 0 not in small
    program.spec.write_text(specification(
        models={"more": {"training": "closed_form"}, "second": {**MODELS["learned"], "keep_weights": True}, "first": MODELS["exact"]},
        mixtures={"renamed": MIXTURES["own"]}, target=TARGET, theory={"draws": 8},
        sweep={"name": "grown", "mixtures": ["matched", "skewed", "renamed"], "hardness": [9.0, 6.0], "n": [5, 10], "repeats": 3}))
    grown = program.directory / "grown.h5"
    program("run", program.spec, "--output", grown)
    large = cells_of(grown)
    assert len(large) == 3 * 3 * 2 * 2 * 3
    for identity, values in small.items():
        assert large[identity] == values


def write_target(path, scale):
    with h5py.File(path, "w") as f:
        f["covariance"] = numpy.diag([4.0, 2, 1, 1]) * scale


def test_a_file_of_a_varied_key_that_is_replaced_between_runs_is_refused(program):
    # The text of all combinations does not have the SHA-256 of each file.
    for name, scale in (("a.h5", 1), ("b.h5", 2)):
        write_target(program.directory / name, scale)
    program.spec.write_text(specification(target={"file": "a.h5"}, **{"sweep.axes": {'"target.file"': ["a.h5", "b.h5"]}}))
    program.run("--max-time", "0s", code=75)
    write_target(program.directory / "b.h5", 3)
    text = program.run(code=65)
    assert "holds cells of other numbers" in text and "file b.h5" in text
    write_target(program.directory / "b.h5", 2)
    program.run()


def test_initial_weights_are_identified_by_the_cell_that_they_come_from(program):
    first = {"first": {"training": "closed_form", "keep_weights": True}}
    stored = {"training": "samples", "steps": 2, "initialisation": "stored", "initial_model": "first"}
    found = {}
    for name, seed in (("one", 0), ("other", 1)):
        program.spec.write_text(specification(models=first, sweep={"seed": seed}))
        program("run", program.spec, "--output", f"{name}.h5")
    shutil.copy(program.directory / "one.h5", program.directory / "copy.h5")
    for name in ("one", "copy", "other"):
        program.spec.write_text(specification(models={"second": {**stored, "initial_file": f"{name}.h5"}}))
        program("run", program.spec, "--output", f"of-{name}.h5")
        found[name] = identities(program.directory / f"of-{name}.h5").item()
    assert found["one"] == found["copy"] != found["other"]


def test_a_file_tells_the_versions_of_its_parts(program):
    program.spec.write_text(specification(models=MODELS))
    program.run()
    with h5py.File(program.out) as f:
        versions = f["provenance"].attrs["part_versions"].decode()
    assert {"architecture lsa 1", "objective direct 1", "optimizer adam 1", "weights gaussian 1"} <= set(versions.split(", "))
