#include "chain_draws.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <complex>
#include <limits>
#include <utility>

#include "cotscale/base/parallel.hpp"
#include "cotscale/base/stop.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/linalg/lapack.hpp"
#include "isotropic.hpp"

namespace cotscale::detail {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double rounding = 1e-9;  // directions that are never seen have the eigenvalue 1, up to rounding

double finite_or_infinite(double x) { return std::isfinite(x) ? x : infinity; }

// The eigenvalues of AŜ are then real and not negative: those of LᵀAL/m.
bool is_semi_definite(const matrix& a) {
  for (int i = 0; i < a.rows(); ++i) {
    for (int j = 0; j < i; ++j) {
      if (a(i, j) != a(j, i)) return false;
    }
  }
  const std::vector<double> values = symmetric_eigenvalues(a);
  return values.front() >= -4 * a.rows() * std::numeric_limits<double>::epsilon() * values.back();
}

// D ← B D + A in each lane. Of D = 0 at first: Σ_{j<k} B^j A.
void accumulate(const square_lanes& step, const matrix& a, square_lanes& sum, square_lanes& scratch) {
  if (sum.size == 0) {
    sum = step;
    std::fill_n(sum.packed.data(), sum.packed.size(), 0.0);
  } else {
    multiply_lanes(step, sum, scratch);
    std::swap(sum, scratch);
  }
  for (int i = 0; i < sum.packed.rows(); ++i) {
    for (int lane = 0; lane < lane_count; ++lane) sum.packed(i, lane) += a.data()[i];
  }
}

// ⟨I − B^k, D_k⟩ in each lane.
lane_values noise_norms(const square_lanes& power, const square_lanes& sum) {
  lane_values out{};
  for (int i = 0; i < power.packed.rows(); ++i) {
    const double unit = i / power.size == i % power.size ? 1 : 0;
    for (int lane = 0; lane < lane_count; ++lane) {
      out[static_cast<std::size_t>(lane)] += (unit - power.packed(i, lane)) * sum.packed(i, lane);
    }
  }
  return out;
}

}  // namespace

// Weights only start the power method here, and noise is averaged over: neither is drawn.
chain_draws::chain_draws(const matrix& preconditioner, const prompt_distribution& test, int m, int steps,
                         stream_key key)
    : preconditioner_(preconditioner), m_(m), noise_(test.noise), errors_(static_cast<std::size_t>(steps) + 1) {
  if (test.lambda.is_scalar()) {
    isotropic_.emplace(test.dimension(), m, test.lambda.largest_eigenvalue(), steps, key);
    columns_ = columns_of_largest(test.dimension(), m);
    return;
  }
  source_.emplace(task_mixture(prompt_distribution(test.lambda, test.features)), m, key);
  constexpr int small = 32;  // eight matrices side by side stay in the cache; beyond that BLAS is faster
  side_by_side_ = preconditioner.rows() <= small && is_semi_definite(preconditioner);
}

bool chain_draws::extend(int count, const std::function<bool()>& out_of_time, const std::stop_token& stop) {
  const int before = count_;
  resize(count);
  std::atomic<bool> late = false;
  const int first = before / lane_count, blocks = (count + lane_count - 1) / lane_count;
  const int each = side_by_side_ ? 16 : 1;  // blocks that are worth another thread's while
  parallel_for((blocks - first + each - 1) / each, [&](int shard) {
    for (int block = first + shard * each; block < std::min(blocks, first + (shard + 1) * each); ++block) {
      throw_if_stopped(stop);
      if (late || (out_of_time && out_of_time())) {
        late = true;
        return;
      }
      fill(block, count);
    }
  });
  if (late) resize(before);
  count_ = late ? before : count;
  return !late;
}

void chain_draws::resize(int count) {
  const auto size = static_cast<std::size_t>(count);
  for (std::vector<double>& row : errors_) row.resize(size);
  largest_.resize(size);
  diverges_.resize(size);
}

void chain_draws::fill(int block, int end) {
  thread_local prompt_lanes p;
  const int first = block * lane_count;
  const int lanes = std::min(lane_count, end - first);
  if (isotropic_) return fill_isotropic(block, first, lanes);
  source_->draw(static_cast<std::uint64_t>(block), p);
  if (side_by_side_) {
    fill_lanes(p, first, lanes);
  } else {
    for (int lane = 0; lane < lanes; ++lane) fill_dense(p, first + lane, lane);
  }
}

void chain_draws::fill_lanes(const prompt_lanes& p, int first, int lanes) {
  thread_local square_lanes symmetric, step, power, next, sum;
  sum.size = 0;
  congruence_lanes(1.0 / m_, preconditioner_, p.factor, symmetric);
  const lane_values largest = largest_eigenvalues(symmetric, p.w);
  const auto diverges = exceeds(symmetric, 2 + 2 * rounding);
  for (int lane = 0; lane < lanes; ++lane) {
    const auto draw = static_cast<std::size_t>(first + lane);
    largest_[draw] = largest[static_cast<std::size_t>(lane)];
    diverges_[draw] = diverges[static_cast<std::size_t>(lane)] ? 1 : 0;
    errors_[0][draw] = preconditioner_.rows();
  }
  if (errors_.size() == 1) return;
  step_lanes(1.0 / m_, preconditioner_, p.factor, step);
  power = step;
  for (std::size_t k = 1;; ++k) {
    lane_values norms = squared_norms(power);
    if (noise_ > 0) {
      accumulate(step, preconditioner_, sum, next);
      const lane_values noise = noise_norms(power, sum);
      for (std::size_t lane = 0; lane < norms.size(); ++lane) norms[lane] += noise_ / m_ * noise[lane];
    }
    for (int lane = 0; lane < lanes; ++lane) {
      errors_[k][static_cast<std::size_t>(first + lane)] = finite_or_infinite(norms[static_cast<std::size_t>(lane)]);
    }
    if (k + 1 == errors_.size()) return;
    multiply_lanes(step, power, next);
    std::swap(power, next);
  }
}

void chain_draws::fill_isotropic(int block, int first, int lanes) {
  thread_local bidiagonal_lanes p;
  isotropic_->draw_longer(static_cast<std::uint64_t>(block), columns_, p);
  const double a = preconditioner_(0, 0);
  const lane_values largest = largest_eigenvalues(p);
  const matrix errors = plain_errors(a, p, static_cast<int>(errors_.size()) - 1);
  for (int lane = 0; lane < lanes; ++lane) {
    const auto draw = static_cast<std::size_t>(first + lane);
    largest_[draw] = std::abs(a) * largest[static_cast<std::size_t>(lane)];
    diverges_[draw] = a < 0 || largest_[draw] > 2 + 2 * rounding ? 1 : 0;
    for (std::size_t k = 0; k < errors_.size(); ++k) {
      errors_[k][draw] = finite_or_infinite(isotropic_->dimension() * errors(static_cast<int>(k), lane));
    }
  }
}

void chain_draws::fill_dense(const prompt_lanes& p, int draw, int lane) {
  const auto at = static_cast<std::size_t>(draw);
  const matrix product_with_a = product(preconditioner_, gram_of_lane(1.0 / m_, p.factor, lane));
  const auto entries = product_with_a.values();
  largest_[at] = infinity;
  diverges_[at] = 1;
  if (std::all_of(entries.begin(), entries.end(), [](double x) { return std::isfinite(x); })) {
    double largest = 0, radius = 0;
    for (const std::complex<double>& value : eigenvalues(product_with_a)) {
      largest = std::max(largest, std::abs(value));
      radius = std::max(radius, std::abs(1.0 - value));
    }
    largest_[at] = largest;
    diverges_[at] = radius > 1 + rounding ? 1 : 0;
  }
  const matrix step = combination(1, matrix::identity(preconditioner_.rows()), -1, product_with_a);
  matrix power = matrix::identity(step.rows());
  matrix next = power;
  matrix sum(step.rows(), step.columns());  // Σ_{j<k} B^j A
  for (std::size_t k = 0; k < errors_.size(); ++k) {
    const double norm = frobenius_norm(power);
    double error = norm * norm;
    if (noise_ > 0) {
      error += noise_ / m_ * (trace(sum) - inner(power, sum));
      sum = combination(1, product(step, sum), 1, preconditioner_);
    }
    errors_[k][at] = finite_or_infinite(error);
    if (k + 1 == errors_.size()) return;
    multiply(1, step, transpose::no, power, transpose::no, 0, next);
    std::swap(power, next);
  }
}

}  // namespace cotscale::detail
