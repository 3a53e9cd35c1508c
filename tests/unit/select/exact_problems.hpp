// Candidates, draws and weights of which exact problems are made.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "cotscale/base/random.hpp"
#include "cotscale/linalg/matrix.hpp"
#include "cotscale/task/covariance.hpp"
#include "cotscale/task/prompt.hpp"
#include "reference/matrix.hpp"
#include "unit/select/small_problems.hpp"

namespace cotscale {

inline constexpr double infinity = std::numeric_limits<double>::infinity();

inline std::vector<covariance> wisharts(int count, int d, int examples, std::string_view name) {
  std::vector<covariance> out;
  for (int l = 0; l < count; ++l) out.push_back(wishart(d, examples, fmt::format("{} {}", name, l)));
  return out;
}

inline std::vector<matrix> draws_of(const covariance& sigma, int m, int count, std::string_view name = "draws") {
  const prompt_source source(sigma, m, key_builder(name).key());
  std::vector<matrix> out;
  prompt p;
  for (int i = 0; i < count; ++i) {
    source.draw(static_cast<std::uint64_t>(i), p);
    out.push_back(reference::gram(1.0 / m, p.x));
  }
  return out;
}

// Positive weights of sum 1, never equal ones.
inline std::vector<double> weights(int count) {
  std::vector<double> out;
  for (int l = 0; l < count; ++l) out.push_back((1.0 + l) / (0.5 * count * (count + 1)));
  return out;
}

inline matrix as_matrix(const std::vector<double>& values) {
  matrix out(1, static_cast<int>(values.size()));
  std::copy(values.begin(), values.end(), out.data());
  return out;
}

inline std::vector<double> as_vector(const matrix& a) { return {a.values().begin(), a.values().end()}; }

}  // namespace cotscale
