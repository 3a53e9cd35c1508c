// What linear self-attention costs: constants of architecture/machine.hpp times operation counts.
#include <algorithm>
#include <cmath>

#include "cotscale/architecture/machine.hpp"
#include "cotscale/base/error.hpp"
#include "lsa.hpp"

namespace cotscale::architectures {
namespace {

using namespace cost;

// The optimum and how far the model is from it; where maps do not commute, eigenvalues and singular values before.
double optimum_seconds(double d, bool commuting) { return (10 + (commuting ? 0 : 40)) * product_seconds(d); }

// Descent skips the steps between those that it looks at (train/descent_path.hpp), so that neither tolerance nor steps
// cost anything for a single task. Where maps do not commute, a look is a product, and the search for the last step
// doubles and bisects.
double descent_seconds(std::int64_t max_steps, double d, bool commuting) {
  const double looks = commuting ? 0 : 2 * std::log2(static_cast<double>(max_steps) + 1);
  return optimum_seconds(d, commuting) + looks * product_seconds(d);
}

// V, W and Ŝ, forward and backward, for each token of the chain.
double learning_seconds(const lsa_options& options, double d, double n) {
  const double tokens = options.objective->longest_chain();
  const double width = 2 * d + 2;
  const double flops = tokens * (16 * width * width + 8 * d * d + 8 * tokens * width);
  return static_cast<double>(options.steps) * options.batch * (draw_seconds(d, n) + 2 * flops * seconds_per_lane_flop);
}

double definition_seconds(double d, double m, double steps) {
  const double tokens = m + steps / 2;
  return explicit_draw_seconds(d, m) +
         steps * (6 * tokens * tokens * d + 16 * tokens * d * d) * seconds_per_attention_flop;
}

}  // namespace

double lsa::training_seconds(double d, double n, bool commuting) const {
  switch (settings_.training) {
    case training_method::closed_form:
      return optimum_seconds(d, commuting);
    case training_method::samples:
      return learning_seconds(settings_.samples, d, n);
    case training_method::population:
      return descent_seconds(settings_.descent.max_steps, d, commuting);
  }
  throw precondition_error("training_seconds: no such training");
}

int lsa::busy_threads(int, int, int threads) const {
  return learns_from_samples() ? std::min(threads, most_shards) : 1;
}

double lsa::chain_seconds(double d, double m, double steps) const {
  if (by_definition()) return definition_seconds(d, m, steps);
  const double width = 2 * d + 2;
  const double flops =
      learns_from_samples() ? 4 * width * width + 2 * d * d + 4 * steps * width : 2 * d * d + 2 * d * std::min(d, m);
  return steps * flops * seconds_per_lane_flop;
}

double lsa::chain_numbers(double d, double m, double steps) const {
  const double tokens = m + steps + 1;
  return by_definition() ? tokens * tokens + 6 * d * tokens : 0;
}

}  // namespace cotscale::architectures
