#include "cotscale/eval/baselines.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "cotscale/eval/statistics.hpp"

namespace cotscale {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

void squared_norms(const matrix& x, double* out) {
  std::fill_n(out, lane_count, 0.0);
  for (int j = 0; j < x.rows(); ++j) {
    for (int lane = 0; lane < lane_count; ++lane) out[lane] += x(j, lane) * x(j, lane);
  }
}

matrix multiple_of_identity(int d, double factor) {
  return matrix::diagonal(std::vector<double>(static_cast<std::size_t>(d), factor));
}

// factor · ratio^i, i = 0 … count − 1
std::vector<double> geometric(double factor, double ratio, int count) {
  std::vector<double> values(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) values[static_cast<std::size_t>(i)] = factor * std::pow(ratio, i);
  return values;
}

// w − ŵ is what the examples do not span: ŵ is the projection of w onto them.
// They span no more than Σ does; and as much, with probability one, if there are as many.
void least_squares(const prompt_lanes& p, int rank_of_target, double* errors) {
  matrix rest = p.w;
  project_out(p.factor, std::min(p.factor.columns, rank_of_target), rest);
  squared_norms(rest, errors);
}

// w − ŵ = p (Ŝ + p I)⁻¹ w; one row of errors per penalty.
void ridge(const prompt_lanes& prompts, const std::vector<double>& penalties, matrix& errors, int first_row) {
  constexpr double resolved = 1e-9;  // beside Ŝ in double precision, to six digits and more
  trapezoid_lanes gram, factor;
  gram_lanes(1.0 / prompts.m, prompts.factor, gram);
  const double size = largest_square(prompts.factor) / prompts.m;
  for (std::size_t i = 0; i < penalties.size(); ++i) {
    const double p = penalties[i];
    const bool is_resolved = p >= resolved * size;
    matrix x = prompts.w;
    for (double& value : x.values()) value *= is_resolved ? p : p * prompts.m;
    if (is_resolved) {
      solve_shifted(gram, p, factor, x);
    } else {
      solve_shifted_factor(prompts.factor, p * prompts.m, factor, x);  // p (Ŝ + p I)⁻¹ = pm (L Lᵀ + pm I)⁻¹
    }
    squared_norms(x, &errors(first_row + static_cast<int>(i), 0));
  }
}

// From far below the least positive eigenvalue of Σ to ten times the mean, in factors of ten, or more if they are many.
std::vector<double> ridge_penalties(const covariance& sigma) {
  constexpr double below = 1e-6;
  constexpr int most = 14;
  double smallest = sigma.largest_eigenvalue();
  for (const double value : sigma.eigenvalues()) smallest = value > 0 ? std::min(smallest, value) : smallest;
  const double decades = std::log10(10 * sigma.trace() / sigma.dimension()) - std::log10(below * smallest);
  const int count = std::min(most, 1 + static_cast<int>(std::ceil(decades - 1e-9)));
  return geometric(below * smallest, std::pow(10, std::max(1.0, decades / (count - 1))), count);
}

// The error at k = steps for each step size.
void descend(const prompt_lanes& prompts, const std::vector<double>& step_sizes, int steps, matrix& errors,
             int first_row) {
  matrix u, gram_u, scratch;
  for (std::size_t i = 0; i < step_sizes.size(); ++i) {
    u = prompts.w;
    for (int k = 0; k < steps; ++k) {
      multiply_covariance(prompts, u, scratch, gram_u);
      for (std::size_t j = 0; j < u.size(); ++j) u.data()[j] -= step_sizes[i] * gram_u.data()[j];
    }
    squared_norms(u, &errors(first_row + static_cast<int>(i), 0));
  }
}

// The row, of `count` from `first` on, with the least mean; the first of them if all have diverged.
int best_row(error_table& table, int first, int count) {
  int best = first;
  double least = std::numeric_limits<double>::infinity();
  for (int i = first; i < first + count; ++i) {
    std::vector<double> values(table.row(i).begin(), table.row(i).end());
    if (const double mean = summarise(values).mean; mean < least) {
      least = mean;
      best = i;
    }
  }
  return best - first;
}

error_table one_row(error_table& table, int i) {
  const auto values = table.row(i);
  return {.rows = 1, .prompts = table.prompts, .values = {values.begin(), values.end()}};
}

}  // namespace

std::array<baseline_errors, baseline_names.size()> evaluate_baselines(const covariance& sigma, int m,
                                                                      const lane_source& source, int prompts, int steps,
                                                                      const std::stop_token& stop) {
  const int d = sigma.dimension();
  const int rank = sigma.rank();
  // Ŝ's largest eigenvalue is about λ_max (1 + √(tr(Σ)/(m λ_max)))²; beyond 2 over it gradient descent diverges.
  const double largest = sigma.largest_eigenvalue();
  const double edge = largest * std::pow(1 + std::sqrt(sigma.trace() / (m * largest)), 2);
  const std::vector<double> penalties = ridge_penalties(sigma);
  const std::vector<double> coarse = geometric(2 / edge, 0.5, 9);
  const int ridges = static_cast<int>(penalties.size());
  const auto first_pass = [&](const prompt_lanes& p, matrix& errors) {
    least_squares(p, rank, &errors(0, 0));
    ridge(p, penalties, errors, 1);
    descend(p, coarse, steps, errors, 1 + ridges);
  };
  error_table table = evaluate(first_pass, 1 + ridges + static_cast<int>(coarse.size()), source, prompts, stop);
  const int penalty = best_row(table, 1, ridges);
  const int near_row = best_row(table, 1 + ridges, static_cast<int>(coarse.size()));
  const double near = coarse[static_cast<std::size_t>(near_row)];

  const std::vector<double> fine = geometric(near * std::pow(2, 5.0 / 6), std::pow(2, -1.0 / 6), 11);
  const auto second_pass = [&](const prompt_lanes& p, matrix& errors) { descend(p, fine, steps, errors, 0); };
  error_table refined = evaluate(second_pass, static_cast<int>(fine.size()), source, prompts, stop);
  const int best_fine = best_row(refined, 0, static_cast<int>(fine.size()));
  const double step_size = fine[static_cast<std::size_t>(best_fine)];
  const auto at_edge = [](int row, std::size_t rows) { return row == 0 || row + 1 == static_cast<int>(rows); };
  // Without steps every size is as good as the others.
  const bool steps_at_edge = steps > 0 && at_edge(near_row, coarse.size()) && at_edge(best_fine, fine.size()) &&
                             (near_row == 0) == (best_fine == 0);

  const auto chain = [&](const matrix& a) {
    return evaluate([&](const prompt_lanes& p, matrix& errors) { pseudo_newton(a, p, errors); }, steps + 1, source,
                    prompts, stop);
  };
  const matrix oracle = sigma.apply([](double l) { return l > 0 ? 1 / l : 0; });
  return {baseline_errors{one_row(table, 0), nan, 0, edge_of_grid::none},
          {one_row(table, 1 + penalty), penalties[static_cast<std::size_t>(penalty)], 1,
           at_edge(penalty, penalties.size()) ? edge_of_grid::at : edge_of_grid::inside},
          {chain(multiple_of_identity(d, step_size)), step_size, -1,
           steps_at_edge ? edge_of_grid::at : edge_of_grid::inside},
          {chain(oracle), nan, 0, edge_of_grid::none}};
}

}  // namespace cotscale
