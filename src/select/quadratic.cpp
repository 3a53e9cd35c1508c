#include "cotscale/select/quadratic.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <utility>

#include "corral.hpp"
#include "cotscale/base/error.hpp"
#include "cotscale/base/parallel.hpp"
#include "cotscale/base/stop.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/select/plain.hpp"

namespace cotscale {
namespace {

constexpr double search_tolerance = 1e-12;  // of the residual, with the gradient from the Gram matrix
constexpr double polish_tolerance = 1e-14;  // beyond which the gradient from the matrices themselves gains nothing
constexpr std::size_t smallest_block = 16;  // points that may enter together
constexpr int steps_on_a_corral = 4;        // that are tried before rounding is blamed for what is left

matrix inverse_of_target(const covariance& target) {
  const auto values = target.eigenvalues();
  const double smallest = *std::min_element(values.begin(), values.end());
  const double largest = target.largest_eigenvalue();
  if (smallest <= target.dimension() * std::numeric_limits<double>::epsilon() * largest) {
    throw specification_error(
        fmt::format("the target is singular (eigenvalues from {:.3g} to {:.3g}), but the quadratic programme measures "
                    "candidates by its inverse: restrict target and candidates to the directions that the target has, "
                    "or add a small multiple of the identity to it",
                    smallest, largest));
  }
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

/// What slopes are measured by; see select_quadratic.
struct measure {
  double multiplier = 0;
  double mixture_norm = 0;
  double dimension_root = 0;

  double scale(double norm) const { return (norm + mixture_norm) * (mixture_norm + dimension_root); }
};

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

/// The state at given probabilities: half the gradient g and what it is measured by.
struct state {
  std::vector<double> probabilities;
  std::vector<double> gradient;
  measure terms;
};

measure terms_of(double mixture_norm, int dimension, std::span<const double> probabilities,
                 std::span<const double> gradient) {
  return {
      .multiplier = dot(probabilities, gradient), .mixture_norm = mixture_norm, .dimension_root = std::sqrt(dimension)};
}

// g from the matrices: ⟨P_ℓ, Σ π P − I⟩.
state state_from_points(const points& p, std::vector<double> probabilities) {
  std::vector<double> mixture(static_cast<std::size_t>(p.rows().columns()));
  for (int l = 0; l < p.count(); ++l) {
    if (probabilities[l] != 0) add_multiple(probabilities[l], row(p.rows(), l), mixture);
  }
  const double mixture_norm = norm(mixture);
  for (int i = 0; i < p.dimension(); ++i) mixture[static_cast<std::size_t>(i) * (p.dimension() + 1)] -= 1;
  state out{.probabilities = std::move(probabilities), .gradient = std::vector<double>(p.norms().size()), .terms = {}};
  multiply(1, p.rows(), mixture, 0, out.gradient);
  out.terms = terms_of(mixture_norm, p.dimension(), out.probabilities, out.gradient);
  return out;
}

double kkt_residual(const points& p, const state& s) {
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

// The active set method, on the Gram matrix.
class search {
 public:
  explicit search(const points& p)
      : points_(p), gram_(gram_of(p)), corral_(gram_, nearest_vertex(p, gram_)), in_corral_(p.norms().size()) {
    std::vector<double> vertex(p.norms().size());
    vertex[corral_.points().front()] = 1;
    in_corral_[corral_.points().front()] = true;
    current_ = state_at(std::move(vertex));
  }

  void run(const std::stop_token& stop) {
    const int limit = 100 * points_.count() + 1000;  // against cycling by rounding; never seen
    int steps = 0;
    bool moved = true;
    for (; iterations_ < limit; ++iterations_) {
      throw_if_stopped(stop);
      if (steps < steps_on_a_corral && corral_gap() > search_tolerance) {
        const progress made = move();
        steps = made == progress::full_step ? steps + 1 : 0;
        moved = moved || made != progress::none;
      } else {
        const std::vector<int> entering = violators();
        if (entering.empty() || !moved) return;
        corral_.add(entering);
        for (const int w : corral_.points()) in_corral_[w] = true;
        steps = 0;
        moved = false;
      }
    }
  }

  // Newton steps with the gradient from the matrices, while they help.
  state polished() const {
    state best = state_from_points(points_, current_.probabilities);
    double residual = kkt_residual(points_, best);
    for (int i = 0; i < 3 && residual > polish_tolerance; ++i) {
      const std::vector<double> step = newton_step(best);
      std::vector<double> next = best.probabilities;
      for (std::size_t w = 0; w < step.size(); ++w) next[corral_.points()[w]] += step[w];
      if (*std::min_element(next.begin(), next.end()) < 0) break;
      normalise(next);
      state tried = state_from_points(points_, std::move(next));
      const double its_residual = kkt_residual(points_, tried);
      if (!(its_residual < residual)) break;
      best = std::move(tried);
      residual = its_residual;
    }
    return best;
  }

  int iterations() const { return iterations_; }

 private:
  enum class progress { none, partial_step, full_step };

  static matrix gram_of(const points& p) {
    matrix out;
    gram(1, p.rows(), out);
    return out;
  }

  // The ℓ with the least ‖P_ℓ − I‖².
  static int nearest_vertex(const points& p, const matrix& gram) {
    int nearest = 0;
    const auto distance = [&](int l) { return gram(l, l) - 2 * p.traces()[l]; };
    for (int l = 1; l < p.count(); ++l) {
      if (distance(l) < distance(nearest)) nearest = l;
    }
    return nearest;
  }

  // g = Hπ − tr P_ℓ; ‖P‖² = πᵀHπ.
  state state_at(std::vector<double> probabilities) const {
    state out{
        .probabilities = std::move(probabilities), .gradient = std::vector<double>(in_corral_.size()), .terms = {}};
    for (const int w : corral_.points()) {
      if (out.probabilities[w] != 0) add_multiple(out.probabilities[w], row(gram_, w), out.gradient);
    }
    const double mixture_norm = std::sqrt(std::max(0.0, dot(out.probabilities, out.gradient)));
    for (std::size_t l = 0; l < out.gradient.size(); ++l) out.gradient[l] -= points_.traces()[l];
    out.terms = terms_of(mixture_norm, points_.dimension(), out.probabilities, out.gradient);
    return out;
  }

  double relative_gap(std::size_t l) const {
    return (current_.terms.multiplier - current_.gradient[l]) / current_.terms.scale(points_.norms()[l]);
  }

  double corral_gap() const {
    double worst = 0;
    for (const int w : corral_.points()) worst = std::max(worst, std::abs(relative_gap(w)));
    return worst;
  }

  // Those that the gradient wants in the corral, steepest first; as many as there are in it at most.
  std::vector<int> violators() const {
    std::vector<std::pair<double, int>> found;
    for (int l = 0; l < points_.count(); ++l) {
      if (in_corral_[l] || relative_gap(l) <= search_tolerance) continue;
      const double length = points_.norms()[l] + current_.terms.mixture_norm;
      found.emplace_back((current_.gradient[l] - current_.terms.multiplier) / length, l);
    }
    std::sort(found.begin(), found.end());
    found.resize(std::min(found.size(), std::max(smallest_block, corral_.points().size())));
    std::vector<int> out;
    for (const auto& [slope, l] : found) out.push_back(l);
    return out;
  }

  std::vector<double> newton_step(const state& s) const {
    std::vector<double> gradient;
    for (const int w : corral_.points()) gradient.push_back(s.gradient[w]);
    return corral_.newton_step(gradient);
  }

  // How far a step on the corral can go.
  struct reach {
    double length = 1;       // of the step, 1 or less
    int blocking = -1;       // the point whose weight vanishes there; −1 if none does
    double slope = 0;        // of half the objective along the step
    std::vector<int> stuck;  // positions of points that have no weight yet and would get a negative one
  };

  reach reach_of(std::span<const double> step) const {
    reach out;
    for (std::size_t i = 0; i < step.size(); ++i) {
      const int w = corral_.points()[i];
      const double weight = current_.probabilities[w];
      out.slope += current_.gradient[w] * step[i];
      if (weight == 0 && step[i] <= 0) out.stuck.push_back(static_cast<int>(i));
      if (weight > 0 && weight + out.length * step[i] <= 0) {
        out.length = -weight / step[i];
        out.blocking = w;
      }
    }
    return out;
  }

  // Towards the minimum on the affine hull of the corral. If that is outside of the convex hull: to the point where all
  // negative weights are cut off, or to the boundary, whichever is lower; what has lost its weight leaves.
  progress move() {
    const std::vector<double> step = newton_step(current_);
    const reach r = reach_of(step);
    if (!r.stuck.empty()) {
      leave(r.stuck);
      return progress::none;
    }
    state next = state_at(moved_by(step, 1));
    if (r.blocking >= 0 && change_to(next) > (r.length - 0.5 * r.length * r.length) * r.slope) {
      std::vector<double> boundary = moved_by(step, r.length);
      boundary[r.blocking] = 0;
      normalise(boundary);
      next = state_at(std::move(boundary));
    }
    current_ = std::move(next);
    if (r.blocking < 0) return progress::full_step;
    leave(weightless());
    return progress::partial_step;
  }

  std::vector<double> moved_by(std::span<const double> step, double length) const {
    std::vector<double> out = current_.probabilities;
    for (std::size_t i = 0; i < step.size(); ++i) {
      double& weight = out[corral_.points()[i]];
      weight = std::max(0.0, weight + length * step[i]);
    }
    normalise(out);
    return out;
  }

  // Of half the objective, without cancellation.
  double change_to(const state& other) const {
    double sum = 0;
    for (const int w : corral_.points()) {
      sum += 0.5 * (current_.gradient[w] + other.gradient[w]) * (other.probabilities[w] - current_.probabilities[w]);
    }
    return sum;
  }

  std::vector<int> weightless() const {
    std::vector<int> out;
    for (int i = 0; i < static_cast<int>(corral_.points().size()); ++i) {
      if (current_.probabilities[corral_.points()[i]] == 0) out.push_back(i);
    }
    return out;
  }

  void leave(std::span<const int> positions) {
    for (const int i : positions) in_corral_[corral_.points()[i]] = false;
    corral_.remove(positions);
  }

  const points& points_;
  matrix gram_;
  corral corral_;
  std::vector<char> in_corral_;
  state current_;
  int iterations_ = 0;
};

}  // namespace

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
  search s(p);
  s.run(stop);
  state found = s.polished();
  const double residual = kkt_residual(p, found);
  const double objective = quadratic_objective(candidates, target, found.probabilities);
  return {.probabilities = std::move(found.probabilities),
          .objective = objective,
          .kkt_residual = residual,
          .iterations = s.iterations()};
}

}  // namespace cotscale
