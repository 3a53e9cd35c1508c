"""`cotscale select`: both problems against solvers that are not ours."""

import h5py
import numpy
import pytest
import scipy.optimize

from selecting import random_covariance, select, write


def random_instance(rng):
    """Dense, singular, repeated and badly scaled candidates."""
    d, count = int(rng.integers(1, 9)), int(rng.integers(1, 13))
    target = random_covariance(rng, d, d) + 0.05 * numpy.eye(d)
    tasks = [random_covariance(rng, d, int(rng.integers(1, d + 1))) * 10 ** rng.uniform(-2, 2) for _ in range(count)]
    if count > 2 and rng.random() < 0.3:
        tasks[1] = tasks[0]
    if rng.random() < 0.2:
        tasks[-1] = target
    return target, numpy.array(tasks)


def quadratic(target, tasks):
    """The programme's objective and gradient, as numpy writes them."""
    points = numpy.linalg.solve(target, tasks)

    def value(p):
        rest = numpy.tensordot(p, points, 1) - numpy.eye(len(target))
        return (rest**2).sum(), 2 * (points * rest).sum((1, 2))

    return value


def independent_optimum(value, count):
    """SciPy's SLSQP from several starts, in units in which it converges."""
    starts = [numpy.full(count, 1 / count), *numpy.eye(count)]
    scale = max(value(p)[0] for p in starts)
    best = min(value(p)[0] for p in starts)
    for start in starts:
        found = scipy.optimize.minimize(lambda p: (value(p)[0] / scale, value(p)[1] / scale), start, jac=True, method="SLSQP",
                                        bounds=[(0, 1)] * count, options={"ftol": 1e-16, "maxiter": 1000},
                                        constraints={"type": "eq", "fun": lambda p: p.sum() - 1, "jac": numpy.ones_like})
        p = numpy.clip(found.x, 0, None)
        best = min(best, value(p / p.sum())[0])
    return best


def test_the_quadratic_programme_equals_scipys_optimum(program):
    rng = numpy.random.default_rng(1)
    for number in range(100):
        target, tasks = random_instance(rng)
        write(program, target, tasks)
        select(program)
        with h5py.File(program.out) as f:
            p, ours, residual = f["probability"][0], f["objective"][0, 0], f["kkt_residual"][()]
        value = quadratic(target, tasks)
        assert ours == pytest.approx(value(p)[0], rel=1e-9, abs=1e-10), number
        best = independent_optimum(value, len(tasks))
        assert ours <= best * (1 + 1e-8) + 1e-10, (number, ours, best)
        assert ours >= best * (1 - 1e-3) - 1e-6 or ours <= best, (number, "SciPy is far off: the comparison says nothing")
        assert residual <= 1e-10 and (p >= 0).all() and p.sum() == pytest.approx(1, abs=1e-12)


def exact(target, tasks, n, k):
    """The exact problem's objective for m to infinity."""
    d = len(target)

    def value(p):
        mean = numpy.tensordot(p, tasks, 1)
        second = sum(x * ((1 + 1 / n) * s @ s + numpy.trace(s) / n * s) for x, s in zip(p, tasks))
        step = numpy.eye(d) - mean @ numpy.linalg.pinv(second, rcond=1e-13, hermitian=True) @ target
        return (numpy.linalg.matrix_power(step, k) ** 2).sum()

    return value


def test_the_exact_problem_is_valued_as_numpy_does_and_never_worse_than_a_plain_mixture(program):
    rng = numpy.random.default_rng(2)
    for _ in range(10):
        target, tasks = random_instance(rng)
        k = int(rng.integers(1, 6))
        write(program, target, tasks, k=k)
        select(program)
        value = exact(target, tasks, 20, k)
        count = len(tasks)
        with h5py.File(program.out) as f:
            p, objective = f["probability"][()], f["objective"][()]
        assert objective[:, 1] == pytest.approx([value(p[0]), value(p[1])], rel=1e-5)
        plain = min(objective[0, 1], value(numpy.full(count, 1 / count)))
        assert objective[1, 1] <= plain * (1 + 1e-6)
