#include "cotscale/theory/null_distribution.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <utility>

#include "cotscale/base/error.hpp"
#include "cotscale/base/parallel.hpp"
#include "cotscale/base/stop.hpp"
#include "cotscale/theory/closed_forms.hpp"
#include "isotropic.hpp"

namespace cotscale {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

using lanes = std::array<double, lane_count>;

void add_product(const double* x, const double* y, lanes& sum) {
  for (std::size_t lane = 0; lane < sum.size(); ++lane) sum[lane] += x[lane] * y[lane];
}

// u ← u − A (Ŝ u + Xε/m) in each lane, u = w − w_k (d, 8). Written out on purpose: the roll-out has its own kernels,
// and one is to check the other.
void take_step(const matrix& a, const prompt_lanes& p, matrix& u) {
  const int d = u.rows();
  thread_local matrix inner, gram_u;
  inner.reshape(p.factor.columns, lane_count);
  gram_u.reshape(d, lane_count);
  const auto factor = [&](int i, int j) {
    return p.factor.packed.data() + (p.factor.row(i) + static_cast<std::size_t>(j)) * lane_count;
  };
  for (int j = 0; j < inner.rows(); ++j) {
    lanes sum{};
    for (int i = j; i < d; ++i) add_product(factor(i, j), &u(i, 0), sum);
    std::copy_n(sum.data(), lane_count, &inner(j, 0));
  }
  for (int i = 0; i < d; ++i) {
    lanes sum{};
    for (int j = 0; j < p.factor.row_length(i); ++j) add_product(factor(i, j), &inner(j, 0), sum);
    std::copy_n(sum.data(), lane_count, &gram_u(i, 0));
  }
  for (int i = 0; p.has_noise() && i < d; ++i) {
    for (int lane = 0; lane < lane_count; ++lane) gram_u(i, lane) += p.m * p.noise(i, lane);
  }
  for (int i = 0; i < d; ++i) {
    lanes sum{};
    for (int j = 0; j < d; ++j) {
      const double* g = &gram_u(j, 0);
      for (std::size_t lane = 0; lane < sum.size(); ++lane) sum[lane] += a(i, j) * g[lane];
    }
    for (int lane = 0; lane < lane_count; ++lane) u(i, lane) -= sum[static_cast<std::size_t>(lane)] / p.m;
  }
}

lanes squared_norms(const matrix& u) {
  lanes out{};
  for (int i = 0; i < u.rows(); ++i) {
    const double* row = u.data() + static_cast<std::ptrdiff_t>(i) * lane_count;
    add_product(row, row, out);
  }
  return out;
}

// r_k of every draw, a row for each of `compared`.
matrix relative_errors(const matrix& a, const null_prompts& prompts, std::span<const int> compared,
                       const std::stop_token& stop) {
  matrix out(static_cast<int>(compared.size()), prompts.blocks() * lane_count);
  constexpr int blocks_per_shard = 16;
  parallel_for((prompts.blocks() + blocks_per_shard - 1) / blocks_per_shard, [&](int shard) {
    prompt_lanes scratch;
    matrix u;
    for (int i = shard * blocks_per_shard; i < std::min(prompts.blocks(), (shard + 1) * blocks_per_shard); ++i) {
      throw_if_stopped(stop);
      const prompt_lanes& p = prompts.block(i, scratch);
      if (p.is_bidiagonal()) {
        const matrix errors = detail::plain_errors(a(0, 0), p.bidiagonal, compared.back());
        for (int row = 0; row < out.rows(); ++row) {
          for (int lane = 0; lane < lane_count; ++lane) {
            const double r = errors(compared[static_cast<std::size_t>(row)], lane);
            out(row, i * lane_count + lane) = std::isfinite(r) ? r : infinity;
          }
        }
        continue;
      }
      u = p.w;
      auto start = squared_norms(u);
      if (prompts.distribution().noise > 0) start.fill(u.rows());
      int taken = 0;
      for (int row = 0; row < out.rows(); ++row) {
        for (; taken < compared[static_cast<std::size_t>(row)]; ++taken) take_step(a, p, u);
        const auto square = squared_norms(u);
        for (std::size_t lane = 0; lane < start.size(); ++lane) {
          const double r = square[lane] / start[lane];
          out(row, i * lane_count + static_cast<int>(lane)) = std::isfinite(r) ? r : infinity;
        }
      }
    }
  });
  return out;
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

null_distribution::step score_step(int k, std::span<const double> r) {
  null_distribution::step out{.k = k, .centre = median({r.begin(), r.end()})};
  const auto count = static_cast<double>(r.size());
  double sum = 0, squares = 0;
  for (const double x : r) sum += bounded_score(x, out.centre);
  out.mean = sum / count;
  for (const double x : r) squares += std::pow(bounded_score(x, out.centre) - out.mean, 2);
  out.deviation = std::sqrt(squares / count);
  return out;
}

void fill_moments(std::span<const double> r, null_distribution& out) {
  double second = 0, third = 0, fourth = 0;
  for (const double x : r) {
    const double difference = x - out.mean, square = difference * difference;
    second += square;
    third += square * difference;
    fourth += square * square;
  }
  const auto count = static_cast<double>(r.size());
  const double variance = second / count;
  out.deviation = std::sqrt(variance);
  out.skewness = third / count / (variance * out.deviation);
  out.kurtosis = fourth / count / (variance * variance);
}

// The normal quantile of a standardised variable that is distributed as a shifted χ² of this skewness. (Wilson and
// Hilferty 1931)
double normal_score(double x, double skewness) {
  constexpr double hardly_skewed = 1e-4;
  if (std::abs(skewness) < hardly_skewed) return x;
  return 6 / skewness * (std::cbrt(1 + skewness * x / 2) - 1) + skewness / 6;
}

}  // namespace

std::vector<int> compared_steps(int steps) {
  std::vector<int> out;
  for (int k = 1; k <= std::min(steps, most_compared_steps); k *= 2) out.push_back(k);
  return out;
}

int null_draws(int d, int prompts) {
  expects(d >= 1 && prompts >= 1, "null_draws: d = {}, prompts = {}", d, prompts);
  // Many more than few prompts, which then need no account of the draws' own chance; fewer than many. A prompt of many
  // dimensions costs more and varies less.
  const int by_dimension = d <= 16 ? 32768 / d : static_cast<int>(524'288 / (1.0 * d * d));
  const int most = std::clamp(by_dimension, 128, 8192), fewest = std::min(most, 512);
  const int draws = std::clamp(std::min(prompts, most) * 16, fewest, std::max(most, std::min(prompts / 8, 65536)));
  return (draws + lane_count - 1) / lane_count * lane_count;
}

null_prompts::null_prompts(prompt_distribution test, int m, int draws, stream_key key)
    : test_(detail::in_full_if_small(test)), m_(m), blocks_((draws + lane_count - 1) / lane_count) {
  expects(draws >= 1, "null_prompts: draws = {}", draws);
  constexpr double most_numbers = 1e6;
  const int d = test_.dimension();
  if (test_.lambda.is_scalar()) {  // few numbers each, and nothing but them
    isotropic_.emplace(d, m, test_.lambda.largest_eigenvalue(), most_compared_steps, key);
    return;
  }
  source_.emplace(task_mixture(test_), m, key);
  if (1.0 * blocks_ * lane_count * (trapezoid_size(d, std::min(d, m)) + d) > most_numbers) return;
  kept_.resize(static_cast<std::size_t>(blocks_));
  for (std::size_t i = 0; i < kept_.size(); ++i) source_->draw(i, kept_[i]);
}

const prompt_lanes& null_prompts::block(int i, prompt_lanes& scratch) const {
  if (!kept_.empty()) return kept_[static_cast<std::size_t>(i)];
  if (isotropic_) {
    isotropic_->draw(static_cast<std::uint64_t>(i), scratch.bidiagonal);
  } else {
    source_->draw(static_cast<std::uint64_t>(i), scratch);
  }
  return scratch;
}

null_distribution simulate_null(const matrix& map, const null_prompts& prompts, int steps,
                                const std::stop_token& stop) {
  const matrix preconditioner = detail::in_shape_of(prompts.sigma(), map);
  expects(steps >= 0 && preconditioner.rows() == prompts.sigma().values().rows(),
          "simulate_null: steps = {}, A ({}, {})", steps, preconditioner.rows(), preconditioner.columns());
  null_distribution out;
  out.relative = prompts.distribution().noise == 0;
  out.finite_variance = prompts.distribution().features->has_finite_variance();
  out.draws = prompts.blocks() * lane_count;
  out.mean = one_step_error(preconditioner, prompts.distribution(), prompts.examples()) / prompts.sigma().dimension();
  const std::vector<int> compared = compared_steps(steps);
  if (compared.empty()) return out;
  const matrix r = relative_errors(preconditioner, prompts, compared, stop);
  const auto row = [&](int i) {
    const auto columns = static_cast<std::size_t>(r.columns());
    return r.values().subspan(static_cast<std::size_t>(i) * columns, columns);
  };
  fill_moments(row(0), out);
  if (!out.finite_variance) out.deviation = nan;
  for (int i = 0; i < r.rows(); ++i) {
    const null_distribution::step step = score_step(compared[static_cast<std::size_t>(i)], row(i));
    if (step.centre > 0 && std::isfinite(step.centre)) out.steps.push_back(step);
  }
  return out;
}

double bounded_score(double x, double centre) { return x < infinity ? x / (x + centre) : 1; }

double start_score(double mean, int d, int prompts) { return start_score(mean, d, prompts, d); }

double start_score(double mean, int d, int prompts, int degrees) {
  const double variance = 2 / (9 * (static_cast<double>(degrees) * prompts));
  return (std::cbrt(mean / d) - (1 - variance)) / std::sqrt(variance);
}

double exact_score(const null_distribution& null, double mean, int prompts, double slack) {
  // Of means more skewed than this, the tails are not those of a χ². Of fewer prompts, they are not either where a
  // prompt in hundreds is far off, and the draws for so few may lack such prompts, so that moments do not tell.
  constexpr int fewest = 1000;
  constexpr double most_skewed = 0.25;
  constexpr double rounding = 1e-10;  // relative to the mean
  if (!(null.deviation > rounding * null.mean) || !std::isfinite(null.deviation)) return nan;
  if (!std::isfinite(mean)) return infinity;  // A right step is finite, however few prompts there are.
  const double root = std::sqrt(static_cast<double>(prompts));
  const double skewness = null.skewness / root;
  if (prompts < fewest || !(std::abs(skewness) <= most_skewed)) return nan;
  const double difference = mean - null.mean;
  const double beyond = std::copysign(std::max(0.0, std::abs(difference) - slack), difference);
  const double z = normal_score(beyond / (null.deviation / root), skewness);
  if (!std::isfinite(z)) return infinity;
  // The deviation is an estimate itself: z has the tails of Student's t, narrowed here to those of the normal.
  const double uncertainty = (null.kurtosis - 1) / (4 * null.draws);
  return z / std::sqrt(1 + z * z * uncertainty);
}

double simulated_score(const null_distribution& null, const null_distribution::step& step, double mean, int prompts) {
  const double spread = step.deviation * std::sqrt(1.0 / prompts + 1.0 / null.draws);
  constexpr double rounding = 1e-10;
  return step.deviation > rounding ? (mean - step.mean) / spread : nan;
}

}  // namespace cotscale
