// Covariances in a random basis, and the prompts that are drawn from them without examples.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "cotscale/base/random.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/linalg/matrix.hpp"
#include "cotscale/task/covariance.hpp"
#include "cotscale/task/wishart.hpp"

namespace cotscale {

inline const stream_key some_key = key_builder("test wishart").add(3).key();

inline covariance rotated(const std::vector<double>& eigenvalues, int number = 0) {
  return {eigenvalues, random_rotation(static_cast<int>(eigenvalues.size()), key_builder("basis").add(number).key())};
}

inline matrix sample_covariance(const prompt_lanes& p, int lane) { return gram_of_lane(1.0 / p.m, p.factor, lane); }

// Calls visit(Ŝ, w) for so many prompts.
inline void for_each_prompt(const wishart_source& source, int prompts,
                            const std::function<void(const matrix&, const matrix&)>& visit) {
  const blas_threads one(1);
  prompt_lanes p;
  for (int i = 0; i < prompts; ++i) {
    if (i % lane_count == 0) source.draw(static_cast<std::uint64_t>(i / lane_count), p);
    visit(sample_covariance(p, i % lane_count), p.w.block(0, i % lane_count, p.w.rows(), 1));
  }
}

}  // namespace cotscale
