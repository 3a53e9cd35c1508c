#include "cotscale/select/quadratic.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <utility>

#include "cotscale/base/error.hpp"
#include "cotscale/base/parallel.hpp"
#include "cotscale/base/stop.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/select/plain.hpp"
#include "simplex.hpp"

namespace cotscale {
namespace {

constexpr double polish_tolerance = 1e-14;  // beyond which the gradient from the matrices themselves gains nothing

matrix inverse_of_target(const covariance& target) {
  require_invertible(target);
  return target.apply([](double l) { return 1 / l; });
}

double dot(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

const double* row(const matrix& a, int i) {
  return a.data() + static_cast<std::size_t>(i) * static_cast<std::size_t>(a.columns());
}

// y += alpha·x
void add_multiple(double alpha, const double* x, std::span<double> y) {
  for (std::size_t i = 0; i < y.size(); ++i) y[i] += alpha * x[i];
}

// The points P_ℓ = Σ⁻¹Λ_ℓ as rows of a (T, d²) matrix.
class points {
 public:
  points(std::span<const covariance> candidates, const covariance& target, const std::stop_token& stop)
      : dimension_(target.dimension()),
        rows_(static_cast<int>(candidates.size()), dimension_ * dimension_),
        norms_(candidates.size()),
        traces_(candidates.size()) {
    const matrix inverse = inverse_of_target(target);
    parallel_for(static_cast<int>(candidates.size()), [&](int l) {
      throw_if_stopped(stop);
      const matrix p = product(inverse, candidates[l].values());
      std::copy(p.values().begin(), p.values().end(), &rows_(l, 0));
      norms_[l] = frobenius_norm(p);
      traces_[l] = trace(p);
    });
    if (dot(norms_, norms_) > std::numeric_limits<double>::max()) {
      throw numerical_error("the quadratic programme overflows: scale the candidates or the target");
    }
  }

  int count() const { return rows_.rows(); }
  int dimension() const { return dimension_; }
  const matrix& rows() const { return rows_; }
  std::span<const double> norms() const { return norms_; }
  std::span<const double> traces() const { return traces_; }

 private:
  int dimension_;
  matrix rows_;
  std::vector<double> norms_;
  std::vector<double> traces_;
};

// g from the matrices: ⟨P_ℓ, Σ π P − I⟩.
simplex_state state_from_points(const points& p, std::vector<double> probabilities) {
  std::vector<double> mixture(static_cast<std::size_t>(p.rows().columns()));
  for (int l = 0; l < p.count(); ++l) {
    if (probabilities[l] != 0) add_multiple(probabilities[l], row(p.rows(), l), mixture);
  }
  const double mixture_norm = norm(mixture);
  for (int i = 0; i < p.dimension(); ++i) mixture[static_cast<std::size_t>(i) * (p.dimension() + 1)] -= 1;
  simplex_state out{
      .probabilities = std::move(probabilities), .gradient = std::vector<double>(p.norms().size()), .terms = {}};
  multiply(1, p.rows(), mixture, 0, out.gradient);
  out.terms = {mixture_norm, std::sqrt(p.dimension()), out.probabilities, out.gradient};
  return out;
}

double kkt_residual(const points& p, const simplex_state& s) {
  double worst = std::abs(std::accumulate(s.probabilities.begin(), s.probabilities.end(), 0.0) - 1);
  for (std::size_t l = 0; l < s.gradient.size(); ++l) {
    const double gap = (s.terms.multiplier - s.gradient[l]) / s.terms.scale(p.norms()[l]);
    worst = std::max({worst, s.probabilities[l] > 0 ? std::abs(gap) : gap, -s.probabilities[l]});
  }
  return worst;
}

void normalise(std::vector<double>& probabilities) {
  const double sum = std::accumulate(probabilities.begin(), probabilities.end(), 0.0);
  for (double& value : probabilities) value /= sum;
}

// Newton steps with the gradient from the matrices, while they help.
simplex_state polished(const points& p, const simplex_search& search) {
  simplex_state best = state_from_points(p, search.current().probabilities);
  double residual = kkt_residual(p, best);
  for (int i = 0; i < 3 && residual > polish_tolerance; ++i) {
    std::vector<double> next = search.newton_step(best);
    for (std::size_t l = 0; l < next.size(); ++l) next[l] += best.probabilities[l];
    if (*std::min_element(next.begin(), next.end()) < 0) break;
    normalise(next);
    simplex_state tried = state_from_points(p, std::move(next));
    const double its_residual = kkt_residual(p, tried);
    if (!(its_residual < residual)) break;
    best = std::move(tried);
    residual = its_residual;
  }
  return best;
}

}  // namespace

void require_invertible(const covariance& target) {
  const auto values = target.eigenvalues();
  const double smallest = *std::min_element(values.begin(), values.end());
  const double largest = target.largest_eigenvalue();
  if (smallest > target.dimension() * std::numeric_limits<double>::epsilon() * largest) return;
  throw specification_error(
      fmt::format("the target is singular (eigenvalues from {:.3g} to {:.3g}): restrict target and candidates to the "
                  "directions that the target has, "
                  "or add a small multiple of the identity to it",
                  smallest, largest));
}

double quadratic_objective(std::span<const covariance> candidates, const covariance& target,
                           std::span<const double> probabilities) {
  require_candidates(candidates, target.dimension());
  expects(probabilities.size() == candidates.size(), "quadratic_objective: {} candidates, {} probabilities",
          candidates.size(), probabilities.size());
  matrix mixture(target.dimension(), target.dimension());
  for (std::size_t l = 0; l < candidates.size(); ++l) {
    if (probabilities[l] != 0) add_multiple(probabilities[l], candidates[l].values().data(), mixture.values());
  }
  matrix residual = matrix::identity(target.dimension());
  multiply(-1, inverse_of_target(target), transpose::no, mixture, transpose::no, 1, residual);
  return inner(residual, residual);
}

quadratic_solution select_quadratic(std::span<const covariance> candidates, const covariance& target,
                                    const std::stop_token& stop) {
  require_candidates(candidates, target.dimension());
  const points p(candidates, target, stop);
  matrix h;
  gram(1, p.rows(), h);
  simplex_search search({.gram = h, .linear = p.traces(), .norms = p.norms(), .target_norm = std::sqrt(p.dimension())});
  search.run(stop);
  simplex_state found = polished(p, search);
  const double residual = kkt_residual(p, found);
  const double objective = quadratic_objective(candidates, target, found.probabilities);
  return {.probabilities = std::move(found.probabilities),
          .objective = objective,
          .kkt_residual = residual,
          .iterations = search.iterations()};
}

}  // namespace cotscale
