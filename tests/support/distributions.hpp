// Prompt distributions of every kind, for tests that must hold for all of them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cotscale/task/mixture.hpp"
#include "cotscale/task/rows.hpp"
#include "support/matrices.hpp"

namespace cotscale::support {

struct named_distribution {
  std::string name;
  prompt_distribution value;
};

/// 1/j, rotated.
inline covariance some_covariance(int d) {
  std::vector<double> values;
  for (int j = 1; j <= d; ++j) values.push_back(1.5 / j);
  return {values, random_rotation(d, key_builder("some covariance").key())};
}

inline std::shared_ptr<const row_distribution> some_rows(int d, int count = 40) {
  auto out = std::make_shared<row_distribution>();
  matrix rows = gaussian(count, d, "rows of a data set");
  for (int i = 0; i < count; ++i) {
    for (int j = 0; j < d; ++j) rows(i, j) = rows(i, j) * (1 + 0.3 * j) + (j > 0 ? 0.5 * rows(i, j - 1) : 3);
  }
  out->take(rows, "rows");
  return out;
}

/// Student-t with so many degrees.
inline std::shared_ptr<const feature_distribution> student_t(double degrees) {
  return features_named("student_t", fmt::format("degrees = {}", degrees));
}

inline std::vector<named_distribution> all_distributions(int d, double noise) {
  const auto rows = some_rows(d);
  return {{"gaussian", {some_covariance(d), gaussian_features(), noise}},
          {"student_t", {some_covariance(d), student_t(14), noise}},
          {"rademacher", {some_covariance(d), features_named("rademacher"), noise}},
          {"rows", {rows->own_covariance(), rows, noise}}};
}

}  // namespace cotscale::support
