// Sample covariances without examples have the distribution of those with examples: two-sample tests against explicit
// prompts.
#include "cotscale/task/wishart.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "cotscale/linalg/blas.hpp"
#include "cotscale/linalg/lapack.hpp"
#include "cotscale/task/prompt.hpp"
#include "reference/matrix.hpp"
#include "unit/task/wishart_prompts.hpp"

namespace cotscale {
namespace {

// Scalar functions of (Ŝ, w): trace, extreme eigenvalues of those that are not zero, wᵀŜw, ‖u_3‖² of the chain.
constexpr std::array scalars{"trace", "smallest eigenvalue", "largest eigenvalue", "wᵀŜw", "‖u_3‖²"};

std::array<double, scalars.size()> scalars_of(const matrix& s, const matrix& w, int m) {
  const std::vector<double> values = symmetric_eigenvalues(s);
  const int d = s.rows();
  matrix u = w;
  for (int k = 0; k < 3; ++k) u = reference::combination(1, u, -0.4, reference::product(s, u));
  return {trace(s), values[static_cast<std::size_t>(std::max(0, d - m))], values.back(),
          reference::inner(w, reference::product(s, w)), reference::squared_norm(u)};
}

using samples = std::array<std::vector<double>, scalars.size()>;

void add(samples& all, const std::array<double, scalars.size()>& values) {
  for (std::size_t i = 0; i < values.size(); ++i) all.at(i).push_back(values.at(i));
}

samples wishart_samples(const covariance& sigma, int m, int prompts) {
  samples out;
  for_each_prompt(wishart_source(task_mixture(sigma), m, some_key), prompts,
                  [&](const matrix& s, const matrix& w) { add(out, scalars_of(s, w, m)); });
  return out;
}

samples explicit_samples(const covariance& sigma, int m, int prompts) {
  const prompt_source source(sigma, m, some_key);
  samples out;
  prompt p;
  matrix w(sigma.dimension(), 1);
  for (int i = 0; i < prompts; ++i) {
    source.draw(static_cast<std::uint64_t>(i), p);
    std::copy(p.w.begin(), p.w.end(), w.data());
    add(out, scalars_of(reference::gram(1.0 / m, p.x), w, m));
  }
  return out;
}

// √(NM/(N + M)) sup|F_N − G_M|, above 2.2 once in 8,000 times (Kolmogorov-Smirnov).
double two_sample_gap(std::vector<double> a, std::vector<double> b) {
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  const auto n = static_cast<double>(a.size());
  const auto m = static_cast<double>(b.size());
  double gap = 0;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    const double x = std::min(a[i], b[j]);
    while (i < a.size() && a[i] == x) ++i;
    while (j < b.size() && b[j] == x) ++j;
    gap = std::max(gap, std::abs(static_cast<double>(i) / n - static_cast<double>(j) / m));
  }
  return std::sqrt(n * m / (n + m)) * gap;
}

TEST(wishart_source, agrees_in_distribution_with_explicit_prompts) {
  const blas_threads one(1);  // many small matrices
  constexpr int d = 4;
  constexpr int prompts = 5000;
  for (const covariance& sigma : {rotated({2, 1, 0.7, 0.3}), covariance({1, 1, 1, 1})}) {
    for (const int m : {1, d - 1, d, d + 1, 10 * d}) {
      const samples drawn_directly = wishart_samples(sigma, m, prompts);
      const samples from_examples = explicit_samples(sigma, m, prompts);
      const int wrong_m = m < 10 ? m + 1 : 8 * d;
      const samples wrong = wishart_samples(sigma, wrong_m, prompts);
      double worst = 0;
      for (std::size_t i = 0; i < scalars.size(); ++i) {
        EXPECT_LT(two_sample_gap(drawn_directly.at(i), from_examples.at(i)), 2.2) << scalars.at(i) << ", m = " << m;
        worst = std::max(worst, two_sample_gap(wrong.at(i), from_examples.at(i)));
      }
      EXPECT_GT(worst, 3) << "the test can tell m = " << m << " from m = " << wrong_m;
    }
  }
}

}  // namespace
}  // namespace cotscale
