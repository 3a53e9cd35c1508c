"""What `cotscale theory` predicts, and the same numbers in the file of a run, against what is measured."""

import h5py
import numpy


def test_theory_predicts_what_is_measured(program):
    """The prediction needs no training; the run stores both, and they agree within their standard errors."""
    program.run("--set", "sweep.mixtures=['matched', 'skewed']", "--set", "test.prompts=2000", "--set", "theory.draws=400")
    with h5py.File(program.out) as f:
        gap = f["predicted_error"][()] - f["error_mean"][()]
        spread = numpy.hypot(f["predicted_stderr"][()], f["error_stderr"][()])
        # k = 1, m = 20: later steps at m = 2 are ruled by rare prompts.
        assert (abs(gap[..., 1, 1]) < 5 * spread[..., 1, 1]).all()
        predicted = f["predicted_error"][0]
    lines = program.stdout("theory", program.spec, "--csv", "--set", "sweep.mixtures=['matched', 'skewed']", "--set", "theory.draws=400",
                           "--set", "theory.most_draws=2000").split()
    rows = [line.split(",") for line in lines[1:]]
    assert lines[0].startswith("mixture,hardness,n,repeat,m,k,predicted_error,predicted_stderr,") and len(rows) == 2 * 2 * 2 * 2 * 6
    stored = predicted[:, :, :, 0].ravel()
    numpy.testing.assert_array_equal([float(row[6]) for row in rows], stored)
    table = program("theory", program.spec)
    assert "best k" in table and "radius" in table
    assert "theory.draws is 0" in program("theory", program.spec, "--set", "theory.draws=0", code=2)
