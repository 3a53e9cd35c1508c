"""The recursion w_{k+1} − w = (I − Γ⁻¹Ŝ)(w_k − w) in plain numpy: realistic numbers for the synthetic results files."""

import numpy as np


def power_law(d, exponent):
    """Eigenvalues j^(−exponent) with trace d, shape (d,)."""
    spectrum = np.arange(1, d + 1.0) ** -exponent
    return spectrum * d / spectrum.sum()


def spectrum_of_hardness(d, hardness):
    """Eigenvalues of the power law with trace d whose trace / smallest eigenvalue is `hardness` ≥ d, shape (d,)."""
    low, high = 0.0, 10.0
    for _ in range(100):
        middle = (low + high) / 2
        too_easy = d / power_law(d, middle)[-1] < hardness
        low, high = (middle, high) if too_easy else (low, middle)
    return power_law(d, low)


def gamma(spectrum, n):
    """Eigenvalues of Γ = (1 + 1/n) Λ + tr(Λ)/n I, shape (d,)."""
    return (1 + 1 / n) * spectrum + spectrum.sum() / n


def test_errors(target, contraction, m, steps, prompts, seed):
    """Errors ‖w_k − w‖² of `prompts` test prompts for k = 0 … steps, shape (prompts, steps + 1).

    `target` (d,) holds the eigenvalues of Σ, `contraction` (d,) those of Γ; both are diagonal.
    """
    random = np.random.default_rng(seed)
    x = random.standard_normal((prompts, m, target.size)) * np.sqrt(target)
    step = np.eye(target.size) - np.swapaxes(x, 1, 2) @ x / m / contraction[:, None]
    error = random.standard_normal((prompts, target.size, 1))
    errors = np.empty((prompts, steps + 1))
    for k in range(steps + 1):
        errors[:, k] = (error**2).sum(axis=(1, 2))
        error = step @ error
    return errors


def expected_error_after_one_step(target, contraction, m):
    """E‖I − AŜ‖_F² with A = Γ⁻¹: ‖I − AΣ‖_F² + (tr(AΣ²Aᵀ) + tr(AΣAᵀ) tr Σ)/m."""
    a = 1 / contraction
    return ((1 - a * target) ** 2).sum() + ((a * target) ** 2 + a**2 * target * target.sum()).sum() / m


def limit(target, contraction, steps):
    """‖(I − Γ⁻¹Σ)^k‖_F² for k = 0 … steps, shape (steps + 1,)."""
    return ((1 - target / contraction)[:, None] ** (2 * np.arange(steps + 1))).sum(axis=0)


def bound(target, n, steps):
    """d (1 + n/(1 + Hard(Σ)))^(−2k) for k = 0 … steps, shape (steps + 1,)."""
    hardness = target.sum() / target.min()
    return target.size * (1 + n / (1 + hardness)) ** (-2.0 * np.arange(steps + 1))
