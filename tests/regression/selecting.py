"""What the tests of `cotscale select` have in common: a specification with its covariances, and a run of it."""

import h5py
import numpy

SPEC = """
[sweep]
name = "choice"

[task]
d = {d}

[target]
spectrum = "file"
file = "target.h5"

[tasks]
file = "candidates.h5"

[select]
n = 20
m = {m}
k = {k}
"""


def random_covariance(rng, d, rank):
    x = rng.standard_normal((d, rank)) * numpy.exp(rng.standard_normal(rank))
    return x @ x.T / rank


def write(program, target, candidates, m="inf", k=1, names=None):
    d = len(target)
    program.spec.write_text(SPEC.format(d=d, m=m, k=k))
    with h5py.File(program.directory / "target.h5", "w") as f:
        f["covariance"] = target
    with h5py.File(program.directory / "candidates.h5", "w") as f:
        f["covariance"] = candidates
        if names:
            f["name"] = names
    program.out.unlink(missing_ok=True)


def select(program, *arguments, **options):
    return program("select", program.spec, "--output", program.out, *arguments, **options)
