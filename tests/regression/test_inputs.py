"""The input files of a specification stand in the results file, so that the run can be made again from it alone."""

import hashlib
import pathlib
import shutil
import subprocess
import sys

import h5py
import numpy
import pytest
import xarray
from conftest import Program
from specifications import specification

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from inputs import D, covariance, write_inputs  # noqa: E402

FROM_FILES = specification(
    models={"lsa": {"training": "samples", "steps": 5, "batch": 20, "keep_weights": True}},
    mixtures={"mine": {"file": "inputs/mixture.h5"}}, task={"d": D}, target={"file": "inputs/target.h5"},
    tasks={"file": "inputs/candidates.h5"}, sweep={"mixtures": ["mine", "uniform"]})


def with_inputs(program, text=FROM_FILES):
    inputs = program.directory / "inputs"
    inputs.mkdir()
    write_inputs(inputs)
    program.spec.write_text(text)
    return inputs


def extract(path, directory):
    """What docs/results-layout.md says."""
    group = xarray.open_dataset(path, group="inputs")
    for name, offset, length in zip(group.file.values, group.offset.values, group.bytes.values):
        if offset >= 0:
            (directory / name).parent.mkdir(exist_ok=True)
            (directory / name).write_bytes(group.content.values[offset:offset + length].tobytes())
    return group


def test_a_run_can_be_made_again_from_its_file_alone(program):
    inputs = with_inputs(program)
    program.run()
    (program.directory / "elsewhere").mkdir()
    other = Program(program.directory / "elsewhere")
    group = extract(program.out, other.directory)
    assert group.file.values.tolist() == [f"inputs/{name}.h5" for name in ("candidates", "mixture", "target")]
    for name, digest in zip(group.file.values, group.sha256.values):
        content = (other.directory / name).read_bytes()
        assert content == (program.directory / name).read_bytes() and hashlib.sha256(content).hexdigest() == digest
    for path in inputs.iterdir():
        path.unlink()
    with h5py.File(program.out) as f:
        other.spec.write_text(f["config_toml"][()].decode())
    other.run()
    assert other.payload() == program.payload()


def test_weights_to_begin_with_are_inputs_and_large_files_are_told_by_their_digest(program):
    with_inputs(program)
    program.run()
    parent = program.directory / "parent.h5"
    program.out.rename(parent)
    with h5py.File(program.directory / "inputs/mixture.h5", "a") as f:
        f["ballast"] = numpy.zeros(200_000)
    begin = {"training": "samples", "steps": 5, "batch": 20, "initialisation": "stored", "initial_file": "parent.h5",
             "initial_model": "lsa"}
    program.spec.write_text(specification(
        models={"lsa": begin}, mixtures={"mine": {"file": "inputs/mixture.h5"}}, task={"d": D},
        target={"file": "inputs/target.h5"}))
    program.run()
    with xarray.open_dataset(program.out, group="inputs") as group:
        assert group.file.values.tolist() == ["inputs/mixture.h5", "inputs/target.h5", "parent.h5"]
        assert group.offset.values.tolist() == [-1, 0, (program.directory / "inputs/target.h5").stat().st_size]
        for name, digest, length in zip(group.file.values, group.sha256.values, group.bytes.values):
            content = (program.directory / name).read_bytes()
            assert len(content) == length and hashlib.sha256(content).hexdigest() == digest


def test_files_of_a_varied_key_are_all_inputs(program):
    with_inputs(program, specification(task={"d": D}, target={"file": "inputs/target.h5"},
                                       **{"sweep.axes": {'"target.file"': ["inputs/target.h5", "inputs/mixture.h5"]}}))
    program.run()
    assert extract(program.out, program.directory).file.values.tolist() == ["inputs/mixture.h5", "inputs/target.h5"]
    with xarray.open_dataset(program.out, group="matrices") as group:
        assert group["target_covariance"].dims == ("hardness", "file", "feature", "other_feature")
        for i, number in enumerate((0, 7)):
            numpy.testing.assert_allclose(group["target_covariance"].isel(hardness=0, file=i), covariance(number), rtol=1e-14)


# 17 files that are small each, of which 16 MB hold 16 and the smallest, which comes last.
def test_all_files_together_stay_small(program):
    directory = with_inputs(program)
    names = [f"inputs/{i:02}.h5" for i in range(18)]
    for name in names:
        shutil.copy(directory / "target.h5", program.directory / name)
        with h5py.File(program.directory / name, "a") as f:
            f["ballast"] = numpy.zeros(1 if name == names[-1] else 970_000, dtype="uint8")
    program.spec.write_text(specification(task={"d": D}, test={"k": 1, "prompts": 2}, theory={"draws": 0}, target={"file": names[0]},
                                          **{"sweep.axes": {'"target.file"': names}}))
    program.run()
    group = extract(program.out, program.directory)
    assert group.file.values.tolist() == names and group["content"].size <= 16_000_000
    assert [i for i, offset in enumerate(group.offset.values) if offset < 0] == [16]


def test_a_sweep_without_files_has_no_inputs(program):
    program.spec.write_text(specification())
    program.run()
    with h5py.File(program.out) as f:
        assert "inputs" not in f


@pytest.mark.parametrize("dataset", ["inputs/content", "inputs/bytes", "matrices/target_covariance"])
def test_inputs_and_matrices_are_covered_by_the_seal(program, dataset):
    with_inputs(program)
    program.run()
    with h5py.File(program.out) as f:
        at = f[dataset].id.get_offset()
    with open(program.out, "r+b") as raw:
        raw.seek(at)
        byte = raw.read(1)
        raw.seek(at)
        raw.write(bytes([byte[0] ^ 1]))
    assert "damaged" in program("verify", program.out, code=74)


def test_the_package_gives_inputs_and_matrices(program):
    from cotscale_analysis import inputs, matrices

    directory = with_inputs(program)
    program.run()
    assert inputs(program.out) == {f"inputs/{name}": (directory / name).read_bytes()
                                   for name in ("candidates.h5", "mixture.h5", "target.h5")}
    group = matrices(program.out)
    numpy.testing.assert_allclose(group["target_covariance"].isel(hardness=0), covariance(0), rtol=1e-14)
    mine = group["mixture_covariance"].sel(mixture="mine").isel(hardness=0)
    numpy.testing.assert_allclose(mine, covariance(7), rtol=1e-14)
    assert group["candidate_covariance"].sel(task="candidate 3").shape == (D, D)
    program.out.unlink()
    program.spec.write_text(specification())
    program.run()
    assert inputs(program.out) == {}


def test_every_reader_opens_inputs_and_matrices(program):
    with_inputs(program)
    program.run()
    for group in ("inputs", "matrices"):
        both = [xarray.open_dataset(program.out, group=group, engine=engine).load() for engine in ("netcdf4", "h5netcdf")]
        with h5py.File(program.out) as f:
            assert both[0].identical(both[1]) and set(both[0].variables) == set(f[group])
        for reader in (["h5dump", "-g", group], ["ncdump", "-h"]):
            if shutil.which(reader[0]):
                done = subprocess.run([*reader, program.out], capture_output=True, text=True)
                assert done.returncode == 0 and group in done.stdout, done.stderr
