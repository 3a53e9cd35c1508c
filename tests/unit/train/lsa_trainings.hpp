// Trainings of linear self-attention on samples, and the blocks of its weights that they move.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cotscale/base/random.hpp"
#include "cotscale/linalg/matrix.hpp"
#include "cotscale/model/lsa.hpp"
#include "cotscale/task/mixture.hpp"
#include "cotscale/task/moments.hpp"
#include "cotscale/train/lsa.hpp"
#include "support/objectives.hpp"

namespace cotscale {

inline stream_key key(std::string_view name) { return key_builder(name).key(); }

inline matrix exact_preconditioner(const task_mixture& tasks, int n) { return optimal_preconditioner(tasks, n); }

inline matrix v31(const lsa_parameters& p) {
  const int d = p.dimension();
  return p.v.block(d + 1, 0, d, d);
}

inline double w24(const lsa_parameters& p) { return p.w(p.dimension(), 2 * p.dimension() + 1); }

inline lsa_training train(const task_mixture& tasks, int n, const lsa_options& options, std::string_view name = "key",
                          const std::vector<std::int64_t>& record_steps = {}) {
  return train_lsa(tasks, n, options, key(name), matrix::identity(tasks.dimension()), record_steps, {});
}

inline lsa_options short_training(const std::string& word = "direct", int k_train = 1) {
  lsa_options out;
  out.objective = support::objective_of(word, k_train);
  out.steps = 6;
  out.batch = 200;
  return out;
}

}  // namespace cotscale
