// What a GPT-2-style model costs: constants of architecture/machine.hpp times operation counts.
#include <algorithm>
#include <cmath>

#include "cotscale/architecture/machine.hpp"
#include "cotscale/eval/gpt2.hpp"
#include "gpt2.hpp"

namespace cotscale::architectures {
namespace {

using namespace cost;

constexpr double seconds_per_single_flop = 2.5e-11;

// Steps of a training chain, on average.
double mean_chain(const training_objective& objective) {
  return objective.form().draws_length ? (objective.longest_chain() + 1) / 2.0 : objective.longest_chain();
}

// Without attention; the last block has keys and values at the prompt's tokens, everything else where it reads out
// only.
double forward_flops(const gpt2_size& size, double d, double other_tokens, double read_tokens) {
  const double square = 2.0 * size.width * size.width;
  const double other = 12 * square * (size.layers - 1) + 2 * square, read = 12 * square * size.layers;
  return other_tokens * other + read_tokens * read + 2 * (other_tokens + read_tokens) * (d + 1) * size.width;
}

}  // namespace

// Forward and backward through all tokens; a prefix is read out at its y.
double gpt2::training_seconds(double d, double n, bool) const {
  const gpt2_options& o = options_;
  const double chain = mean_chain(*o.objective);
  const double tokens = 2 * n + chain, prefixes = o.prefix_weight > 0 ? n : 0;
  const double flops = 3 * forward_flops(o.size, d, 2 * n - prefixes, prefixes + chain) +
                       6 * o.size.layers * tokens * tokens * o.size.width;
  return static_cast<double>(o.steps) * o.batch * flops * seconds_per_single_flop;
}

int gpt2::busy_threads(int d, int n, int threads) const {
  return std::min(threads, gpt2_most_shards(gpt2_layout(trained_configuration(d, n, options_)).size()));
}

double gpt2::chain_seconds(double d, double m, double steps) const {
  const gpt2_size& size = options_.size;
  const double tokens = 2 * m + steps, attention = 2 * tokens * tokens * size.width * size.layers;
  return forward_flops(size, d, 2 * m, steps) * seconds_per_single_flop + attention * seconds_per_attention_flop +
         tokens * size.layers * (4 + size.heads) * seconds_per_small_call;
}

// Of training, parameters, their moments and gradients, several of which wait to be added, and what a thread's prompts
// leave in each block; or of the roll-out, where that is longer; its steps beside Newton's.
double gpt2::bytes(int d, int n, int m, int prompts, int steps, int threads) const {
  const gpt2_options& o = options_;
  const gpt2_layout layout(trained_configuration(d, n, o));
  const auto parameters = static_cast<double>(layout.size());
  const double width = o.size.width, tokens = 2.0 * n + layout.configuration().chain;
  const int shards = gpt2_most_shards(layout.size());
  const int busy = std::min(threads, shards);
  const double rows = std::min(64.0, std::ceil(1.0 * o.batch / shards)) * tokens;
  const double block = 14 * width + o.size.heads * tokens;
  const double scratch = (o.prefix_weight > 0 ? 18 : 16) * width;  // outputs at y tokens are half as many as tokens
  const double training = parameters * (5 + 2 * busy) + busy * rows * (o.size.layers * block + scratch);
  return std::max(4 * training, 4 * parameters + threads * roll_out_bytes(layout, m, steps)) + 24.0 * prompts * steps;
}

}  // namespace cotscale::architectures
