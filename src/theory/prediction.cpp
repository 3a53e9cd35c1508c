#include "cotscale/theory/prediction.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <span>

#include "chain_draws.hpp"
#include "cotscale/base/error.hpp"
#include "cotscale/base/paired.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/linalg/lapack.hpp"
#include "isotropic.hpp"

namespace cotscale {
namespace {

using detail::chain_draws;

constexpr double infinity = std::numeric_limits<double>::infinity();

// What draws that are too rare to be among `largest.size()`, down to the share `rarest`, add to the mean of
// ‖(I − AŜ)^k‖² if they diverge: ∫ (x(s) − 1)^{2k} ds over shares s with x(s) > 2, where the largest eigenvalue exceeds
// x(s) in a share s of the draws. Beyond the upper tenth, x grows by the mean excess for every factor e in s: tails of
// largest eigenvalues fall faster than exponentially, so that this is more than there is.
double unseen_error(std::vector<double> largest, int k, double rarest) {
  const std::size_t count = largest.size(), tenth = count / 10;
  const double share = 1.0 / static_cast<double>(count);
  if (share <= rarest) return 0;
  constexpr std::size_t fewest = 3;
  if (tenth < fewest) return infinity;
  const auto edge = largest.begin() + static_cast<std::ptrdiff_t>(tenth);
  std::nth_element(largest.begin(), edge, largest.end(), std::greater<>());
  const double mean = std::accumulate(largest.begin(), edge, 0.0) / static_cast<double>(tenth);
  if (!std::isfinite(mean)) return infinity;
  constexpr int points = 32;
  const double step = std::log(share / rarest) / points;
  double sum = 0;
  for (int i = 0; i < points; ++i) {
    const double s = rarest * std::exp((i + 0.5) * step);
    const double x = *edge + (mean - *edge) * std::log(static_cast<double>(tenth) * share / s);
    if (x > 2) sum += std::pow(x - 1, 2 * k) * s * step;
  }
  return sum;
}

void summarise_errors(const chain_draws& drawn, chain_prediction& out) {
  const int draws = drawn.count();
  out.draws = draws;
  out.error.clear();
  out.standard_error.clear();
  out.diverging_part.clear();
  for (const std::vector<double>& errors : drawn.errors()) {
    double sum = 0, squares = 0, diverging = 0;
    for (std::size_t i = 0; i < errors.size(); ++i) {
      sum += errors[i];
      if (drawn.diverges()[i] != 0) diverging += errors[i];
    }
    const double mean = sum / draws;
    for (const double e : errors) squares += (e - mean) * (e - mean);
    out.error.push_back(mean);
    out.standard_error.push_back(std::isfinite(mean) ? std::sqrt(squares / draws / std::max(1, draws - 1)) : mean);
    out.diverging_part.push_back(std::isfinite(sum) && sum > 0 ? diverging / sum : sum > 0 ? 1 : 0);
  }
  out.best_k = static_cast<int>(std::min_element(out.error.begin(), out.error.end()) - out.error.begin());
  out.diverging_share = static_cast<double>(std::count(drawn.diverges().begin(), drawn.diverges().end(), 1)) / draws;
}

// Which k are told apart from the best one.
void compare(const chain_draws& drawn, double rarest, chain_prediction& out) {
  const std::vector<std::span<const double>> rows(drawn.errors().begin(), drawn.errors().end());
  const std::vector<paired_difference> differences = paired_differences(rows, out.best_k);
  const alternatives range = not_told_apart(differences, out.best_k, out.draws);
  out.first_k = range.first;
  out.last_k = range.last;
  const double unseen = out.best_k == 0 ? 0 : unseen_error(drawn.largest(), out.best_k, rarest);
  out.difference_error.clear();
  out.rival_k = -1;
  for (int k = 0; k < static_cast<int>(differences.size()); ++k) {
    const paired_difference& d = differences[static_cast<std::size_t>(k)];
    out.difference_error.push_back(d.standard_error);
    if (k == out.best_k) continue;
    if (k < out.best_k && d.mean <= unseen && unseen > 0) out.first_k = std::min(out.first_k, k);
    if (out.rival_k >= 0 && d.z >= out.rival_z) continue;
    out.rival_k = k;
    out.rival_z = d.z;
  }
}

}  // namespace

chain_prediction predict_chain(const matrix& preconditioner, const prompt_distribution& test, int m, int steps,
                               const prediction_draws& draws, stream_key key, const std::stop_token& stop) {
  expects(steps >= 0 && draws.draws >= 1 && draws.most_draws >= draws.draws,
          "predict_chain: steps = {}, draws = {}, most_draws = {}", steps, draws.draws, draws.most_draws);
  const blas_threads one(1);
  const prompt_distribution in_full = detail::in_full_if_small(test);
  const matrix map = detail::in_shape_of(in_full.lambda, preconditioner);
  chain_draws drawn(map, in_full, m, steps, key);
  drawn.extend(draws.draws, {}, stop);
  chain_prediction out;
  for (;;) {
    summarise_errors(drawn, out);
    compare(drawn, draws.rarest, out);
    if (out.settled() || drawn.count() == draws.most_draws) return out;
    const int more = drawn.count() > draws.most_draws / 2 ? draws.most_draws : 2 * drawn.count();
    out.out_of_time = !drawn.extend(more, draws.out_of_time, stop);
    if (out.out_of_time) return out;
  }
}

double limit_spectral_radius(const matrix& preconditioner, const covariance& sigma) {
  return spectral_radius(
      combination(1, matrix::identity(sigma.values().rows()), -1, product(preconditioner, sigma.values())));
}

double marchenko_pastur_radius(int d, int n, double ratio) {
  expects(d >= 1 && n >= 1 && ratio >= 0, "marchenko_pastur_radius: d = {}, n = {}, ratio = {}", d, n, ratio);
  const double gamma = 1 + (d + 1.0) / n;
  const auto distance = [&](double eigenvalue) { return std::abs(1 - eigenvalue / gamma); };
  const double root = std::sqrt(ratio);
  const double edges = std::max(distance((1 + root) * (1 + root)), distance((1 - root) * (1 - root)));
  return ratio > 1 ? std::max(edges, 1.0) : edges;
}

}  // namespace cotscale
