#include "cotscale/select/plain.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <numeric>

#include "cotscale/base/error.hpp"
#include "cotscale/linalg/blas.hpp"

namespace cotscale {
namespace {

// Equal parts of the quarter with the lowest scores.
std::vector<double> lowest_quarter(std::span<const double> scores) {
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return scores[a] < scores[b]; });
  const std::size_t quarter = (scores.size() + 3) / 4;
  std::vector<double> out(scores.size());
  for (std::size_t i = 0; i < quarter; ++i) out[order[i]] = 1 / static_cast<double>(quarter);
  return out;
}

template<class Score>
std::vector<double> lowest_quarter_by(std::span<const covariance> candidates, const Score& score) {
  std::vector<double> scores;
  for (const covariance& lambda : candidates) scores.push_back(score(lambda));
  return lowest_quarter(scores);
}

void require_some(std::span<const covariance> candidates) {
  if (candidates.empty()) throw specification_error("there are no candidate tasks to mix: at least one is needed");
}

}  // namespace

void require_candidates(std::span<const covariance> candidates, int dimension) {
  require_some(candidates);
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (candidates[i].dimension() == dimension) continue;
    throw specification_error(fmt::format("candidate {} (counted from 0) has dimension {}, but the target has {}", i,
                                          candidates[i].dimension(), dimension));
  }
}

void require_comparable(std::span<const covariance> candidates, const covariance& target) {
  constexpr int most = 480;  // powers of two
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (std::abs(candidates[i].scale_exponent() - target.scale_exponent()) <= most) continue;
    throw specification_error(fmt::format(
        "tasks: candidate {} (counted from 0) has the largest eigenvalue {:.3g}, the target {:.3g}: too far "
        "apart to be compared; bring them to the same units",
        i, candidates[i].largest_eigenvalue(), target.largest_eigenvalue()));
  }
}

std::vector<double> uniform_mixture(std::span<const covariance> candidates) {
  require_some(candidates);
  return std::vector<double>(candidates.size(), 1 / static_cast<double>(candidates.size()));
}

std::vector<double> easy_mixture(std::span<const covariance> candidates) {
  require_some(candidates);
  return lowest_quarter_by(candidates, [](const covariance& lambda) { return lambda.support_hardness(); });
}

std::vector<double> hard_mixture(std::span<const covariance> candidates) {
  require_some(candidates);
  return lowest_quarter_by(candidates, [](const covariance& lambda) { return -lambda.support_hardness(); });
}

std::vector<double> relevant_mixture(std::span<const covariance> candidates, const covariance& target) {
  require_candidates(candidates, target.dimension());
  const double norm = frobenius_norm(target.values());
  return lowest_quarter_by(candidates, [&](const covariance& lambda) {
    return -(inner(lambda.values(), target.values()) / frobenius_norm(lambda.values()) / norm);
  });
}

}  // namespace cotscale
