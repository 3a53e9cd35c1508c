"""A file of covariances that a specification names is identified when a run begins: replaced before a run or between
two it is refused, and replaced during one it is not read again."""

import h5py
import numpy
import pytest

from conftest import wait_until
from refusing import SLOW, of_all_commands
from specifications import specification


def write_covariance(path, scale):
    with h5py.File(path, "w") as f:
        f["covariance"] = numpy.diag([4.0, 2, 1, 1]) * scale


# Files of covariances, by the table that names them.
NAMED = {"target": {"target": {"file": "one.h5"}}, "mixtures.mine": {"mixtures": {"mine": {"file": "one.h5"}}}}


@pytest.mark.parametrize("table", NAMED)
def test_a_file_of_a_covariance_that_is_replaced_before_or_between_runs_is_refused(program, table):
    one = program.directory / "one.h5"
    write_covariance(one, 1)
    program.spec.write_text(specification(**NAMED[table]))
    program("plan", program.spec)
    program.run("--max-time", "0s", code=75)
    with h5py.File(program.out) as f:
        resolved = f["config_toml"][()].decode()
    write_covariance(one, 2)
    assert f"{table}.sha256: in the file" in program.run(code=65)
    program.spec.write_text(resolved)
    for name, text in of_all_commands(program, 2, ("plan", "theory", "run")).items():
        assert f"{table}.sha256 is" in text and "the file has changed" in text, name


def test_a_file_of_a_covariance_that_is_replaced_during_a_run_is_not_read_again(program):
    one = program.directory / "one.h5"
    write_covariance(one, 1)
    models = {"first": SLOW, "second": {"training": "closed_form"}}
    program.spec.write_text(specification(models=models, target={"file": "one.h5"}))
    program.run()
    undisturbed = program.payload()
    program.out.unlink()
    run = program.start()
    wait_until(program.out.exists)
    write_covariance(one, 2)
    assert run.poll() is None, "the run was over before the file was replaced"
    text, _ = run.communicate(timeout=120)
    assert run.returncode == 0, text
    assert program.payload() == undisturbed
