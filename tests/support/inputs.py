"""Input files that the specifications of tests/bits and tests/pinned name: the same numbers wherever they are made."""
import h5py
import numpy

D = 4


def covariance(number):
    """A (D, D) covariance of rank D, or 2 for every third number, from whole numbers."""
    rank = 2 if number % 3 == 2 else D
    x = numpy.array([[((3 + number) * i * i + 5 * j + 7 * i * j + number) % 11 - 5 for j in range(rank)] for i in range(1, D + 1)])
    full = numpy.eye(D) if rank == D else 0
    return (x @ x.T) / 16 + full


def write_inputs(directory):
    """target.h5 and mixture.h5 (one covariance each), candidates.h5 (six with names), rows.csv and rows.h5 (twelve rows each)."""
    values = numpy.array([[(i * i + 3 * i * j + 5 * j) % 7 + 0.5 * j for j in range(D)] for i in range(12)])
    numpy.savetxt(directory / "rows.csv", values, delimiter=",", header="a,b,c,d", comments="")
    with h5py.File(directory / "rows.h5", "w") as f:
        f["examples"] = values[::-1] * 2
    for name, number in (("target", 0), ("mixture", 7)):
        with h5py.File(directory / f"{name}.h5", "w") as f:
            f["covariance"] = covariance(number)
    with h5py.File(directory / "candidates.h5", "w") as f:
        f["covariance"] = numpy.array([covariance(number) for number in range(1, 7)])
        f["name"] = [f"candidate {number}" for number in range(1, 7)]
