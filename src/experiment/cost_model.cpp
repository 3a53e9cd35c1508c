#include "cotscale/experiment/cost_model.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <queue>

#include "cotscale/base/error.hpp"
#include "cotscale/experiment/theory_draws.hpp"
#include "cotscale/experiment/verdict.hpp"
#include "cotscale/theory/null_distribution.hpp"
#include "cotscale/train/gpt2.hpp"

namespace cotscale {
namespace {

// Seconds on one core of the machine that this was developed on (AMD EPYC 9004, AVX-512); other machines scale all of
// them alike, so that the order of cells and the balance between ranks stay right. tests/bench/cost_model prints
// measured over estimated.
constexpr double seconds_per_cell = 60e-6;  // handing out, marking, durable storing
constexpr double seconds_per_stored_number = 64e-9;
constexpr double seconds_per_normal = 4e-9;
constexpr double seconds_per_chi = 18e-9;
constexpr double seconds_per_flop = 4e-11;
constexpr double seconds_per_small_call = 60e-9;
constexpr double seconds_per_lane_flop = 5e-11;  // a prompt's, of eight side by side
constexpr double seconds_per_comparison = 2e-9;  // of sorting errors
constexpr double seconds_per_single_flop = 2.5e-11;
constexpr double seconds_per_attention_flop = 1e-10;

double product_seconds(double d) { return 2 * d * d * d * seconds_per_flop + seconds_per_small_call; }

// The optimum and how far the model is from it; where maps do not commute, eigenvalues and singular values before.
double optimum_seconds(double d, bool commuting) { return (10 + (commuting ? 0 : 40)) * product_seconds(d); }

// Descent skips the steps between those that it looks at (train/descent_path.hpp), so that neither tolerance nor steps
// cost anything for a single task. Where maps do not commute, a look is a product, and the search for the last step
// doubles and bisects.
double descent_seconds(const model_specification& model, double d, bool commuting) {
  const double looks = commuting ? 0 : 2 * std::log2(static_cast<double>(model.max_steps) + 1);
  return optimum_seconds(d, commuting) + looks * product_seconds(d);
}

double draw_seconds(double d, double m) {
  const double rank = std::min(d, m);
  return (rank * (2 * d - rank - 1) / 2 + d) * seconds_per_normal + rank * seconds_per_chi;
}

double explicit_draw_seconds(double d, double m) {
  return m * d * seconds_per_normal + 4 * m * d * d * seconds_per_flop + 30 * seconds_per_small_call;
}

// V, W and Ŝ, forward and backward, for each token of the chain.
double sampled_seconds(const sampled_options& options, double d, double n) {
  const double tokens = longest_chain(options.objective);
  const double width = 2 * d + 2;
  const double flops = tokens * (16 * width * width + 8 * d * d + 8 * tokens * width);
  return static_cast<double>(options.steps) * options.batch * (draw_seconds(d, n) + 2 * flops * seconds_per_lane_flop);
}

double definition_seconds(double d, double m, double steps) {
  const double tokens = m + steps / 2;
  return explicit_draw_seconds(d, m) +
         steps * (6 * tokens * tokens * d + 16 * tokens * d * d) * seconds_per_attention_flop;
}

// Steps of a training chain, on average.
double mean_chain(const objective_options& o) {
  return o.kind == objective::rollout ? (o.k_train + 1) / 2.0 : longest_chain(o);
}

// Without attention; the last block has keys and values at the prompt's tokens, everything else at weight tokens only.
double gpt2_forward_flops(const gpt2_size& size, double d, double prompt_tokens, double weight_tokens) {
  const double square = 2.0 * size.width * size.width;
  const double prompt = 12 * square * (size.layers - 1) + 2 * square, weight = 12 * square * size.layers;
  return prompt_tokens * prompt + weight_tokens * weight + 2 * (prompt_tokens + weight_tokens) * (d + 1) * size.width;
}

double chain_seconds(const model_specification& model, double d, double m, double steps) {
  if (model.architecture == architecture_kind::gpt2) {
    const gpt2_size& size = model.gpt2.size;
    const double tokens = 2 * m + steps, attention = 2 * tokens * tokens * size.width * size.layers;
    return gpt2_forward_flops(size, d, 2 * m, steps) * seconds_per_single_flop +
           attention * seconds_per_attention_flop + tokens * size.layers * (4 + size.heads) * seconds_per_small_call;
  }
  if (model.roll_out == roll_out_method::definition) return definition_seconds(d, m, steps);
  const double width = 2 * d + 2;
  const double flops = model.training == training_method::samples ? 4 * width * width + 2 * d * d + 4 * steps * width
                                                                  : 2 * d * d + 2 * d * std::min(d, m);
  return steps * flops * seconds_per_lane_flop;
}

// Forward and backward through all tokens; the last block has keys and values at all, the rest at weight tokens only.
double gpt2_seconds(const gpt2_options& o, double d, double n) {
  const double chain = mean_chain(o.objective);
  const double tokens = 2 * n + chain;
  const double flops =
      3 * gpt2_forward_flops(o.size, d, 2 * n, chain) + 6 * o.size.layers * tokens * tokens * o.size.width;
  return static_cast<double>(o.steps) * o.batch * flops * seconds_per_single_flop;
}

// Parameters, their moments and gradients, several of which wait to be added; what a thread's prompts leave in each
// block; steps of the roll-out beside Newton's.
double gpt2_bytes(const gpt2_options& o, const specification& spec, double n, int threads) {
  const gpt2_layout layout(trained_configuration(spec.d, static_cast<int>(n), o));
  const auto parameters = static_cast<double>(layout.size());
  const double width = o.size.width, tokens = layout.configuration().positions();
  const int shards = gpt2_most_shards(layout.size());
  const int busy = std::min(threads, shards);
  const double rows = std::min(64.0, std::ceil(1.0 * o.batch / shards)) * tokens;
  const double block = 14 * width + o.size.heads * tokens;
  return 4 * (parameters * (5 + 2 * busy) + busy * rows * (o.size.layers * block + 16 * width)) +
         24.0 * spec.prompts * spec.steps;
}

// Threads that find work in training: it has so many shards at most.
int busy_threads(const model_specification& model, const specification& spec, std::int64_t n, int threads) {
  if (model.architecture == architecture_kind::lsa) return std::min(threads, 16);
  const gpt2_layout layout(trained_configuration(spec.d, static_cast<int>(n), model.gpt2));
  return std::min(threads, gpt2_most_shards(layout.size()));
}

// Least squares, ridge, 20 runs of gradient descent, two chains.
double baseline_seconds(double d, double m, double steps) {
  const double rank = std::min(d, m);
  const double flops =
      4 * d * rank * rank + 8 * (d * d * d / 3 + 2 * d * d) + 22 * steps * 2 * d * rank + 4 * steps * d * d;
  return flops * seconds_per_lane_flop;
}

// Powers and eigenvalues of I − AŜ for every draw, eight side by side where d is small. How many draws settle the best
// k is not known before: in the mean over specifications, some four times the first.
double prediction_seconds(const specification& spec) {
  const double d = spec.d;
  const double draws = std::min(4 * spec.theory_draws, most_draws_beside_prompts(spec));
  const double powers =
      d <= 32 ? (spec.steps + 4) * 2 * d * d * d * seconds_per_lane_flop : (spec.steps + 12) * product_seconds(d);
  return draws * (powers + draw_seconds(d, d)) * static_cast<double>(spec.m.size());
}

// Draws of the last descent on the exact problem. How many it takes is not known before: the mean, on a logarithmic
// scale, of the least and the most that there may be. None where the expectation is known.
double exact_selection_draws(const selection_specification& s) {
  return std::isinf(s.m) || s.k == 1 ? 0 : std::sqrt(1.0 * s.samples * s.max_samples);
}

// Draws that measured errors are held against, and their chains in plain loops.
double null_seconds(const specification& spec) {
  const double d = spec.d;
  double seconds = 0;
  for (const std::int64_t count : spec.m) {
    const double rank = std::min(d, static_cast<double>(count)), steps = std::min(spec.steps, most_compared_steps);
    const double flops = steps * (2 * d * d + 2 * d * rank);
    constexpr double plain = 4;  // times as long as roll-outs take
    seconds += draw_seconds(d, static_cast<double>(count)) + plain * flops * seconds_per_lane_flop;
  }
  return seconds * null_draws(spec.d, spec.prompts);
}

// Descents from five starts, some 30 evaluations each, with gradients, and a further one on more draws.
double exact_selection_seconds(const specification& spec) {
  const double more = exact_selection_draws(spec.selection);
  const double evaluations = 150 * (more > 0 ? spec.selection.samples : 1) + 30 * more;
  return evaluations * 6 * std::log2(spec.selection.k + 1.0) * product_seconds(spec.d);
}

// How many candidate tasks there are.
double candidate_count(const tasks_specification& tasks) {
  if (tasks.stored) return static_cast<double>(tasks.stored->tasks.size());
  return static_cast<double>(tasks.each) * static_cast<double>(tasks.exponents.size()) *
         static_cast<double>(tasks.directions.size());
}

// Of the matrices of a cell: its covariances, their factors and what LAPACK works on; four a candidate.
double matrix_bytes(const specification& spec) {
  return 8.0 * (40 + 6 * candidate_count(spec.tasks)) * spec.d * spec.d;
}

}  // namespace

std::uint64_t least_bytes(const specification& spec) {
  constexpr double most = 1e18;  // fits into 64 bits
  return static_cast<std::uint64_t>(std::min(most, matrix_bytes(spec)));
}

double cost_model::training_seconds(const cell& c) const {
  const model_specification& model = spec_.model_tables.at(c.model);
  const double d = spec_.d;
  const bool commuting = !depends_on_candidates(spec_, c.mixture);
  switch (model.training) {
    case training_method::closed_form:
      return optimum_seconds(d, commuting);
    case training_method::samples:
      if (model.architecture == architecture_kind::gpt2) return gpt2_seconds(model.gpt2, d, static_cast<double>(c.n));
      return sampled_seconds(model.sampled, d, static_cast<double>(c.n));
    case training_method::population:
      return descent_seconds(model, d, commuting);
  }
  throw precondition_error("training_seconds: no such training");
}

cell_cost cost_model::estimate(const cell& c, int threads) const {
  const model_specification& model = spec_.model_tables.at(c.model);
  const double d = spec_.d;
  const double steps = spec_.steps;
  const double prompts = spec_.prompts;
  const bool drawn =
      depends_on_candidates(spec_, c.mixture) && spec_.tasks.source == tasks_specification::kind::generated;
  const bool trained_anew = drawn || model.training == training_method::samples;
  // What cells share counts in equal parts: training among repeats, theory among models too, and baselines among all
  // that have the same test prompts.
  const double repeats = spec_.repeats;
  const auto models = static_cast<double>(spec_.models.size());
  const double matrices = (20 + 2 * steps) * product_seconds(d);
  double theory = (matrices + prediction_seconds(spec_) + null_seconds(spec_)) / models / (drawn ? 1 : repeats);
  if (c.mixture == "exact") theory += exact_selection_seconds(spec_) / models / (drawn ? 1 : repeats);
  const double training = training_seconds(c);
  cell_cost cost;
  const bool threaded = model.training == training_method::samples;
  const double stored = static_cast<double>(spec_.m.size()) * (steps + 1) * (spec_.baselines ? 40 : 20);
  cost.seconds = seconds_per_cell + stored * seconds_per_stored_number + theory +
                 training / (trained_anew ? 1 : repeats) / (threaded ? busy_threads(model, spec_, c.n, threads) : 1);
  const double sharing = models * static_cast<double>(spec_.mixtures.size() * spec_.n.size());
  const bool examples = resolved_sampler(spec_) == sampler_method::explicit_examples;
  double per_thread = 0;
  for (const std::int64_t count : spec_.m) {
    const auto m = static_cast<double>(count);
    const double draw = examples ? explicit_draw_seconds(d, m) : draw_seconds(d, m);
    const double baselines = spec_.baselines ? (4 * draw + baseline_seconds(d, m, steps)) / sharing : 0;
    const bool untested = model.architecture == architecture_kind::gpt2 && count > c.n;
    const double chain = untested ? 0 : chain_seconds(model, d, m, steps);
    const double summary = (steps + 1) * std::log2(prompts + 1) * seconds_per_comparison;
    cost.seconds += prompts * ((draw + chain + baselines) / threads + summary);
    const double tokens = m + steps + 1;
    const double definition = model.roll_out == roll_out_method::definition ? tokens * tokens + 6 * d * tokens : 0;
    const double lanes = 8 * (2 * d * std::min(d, m) + steps + 20);
    per_thread = std::max(per_thread, (examples ? 2 * d * m : 0) + definition + lanes);
  }
  const double predicted = (steps + 1) * most_draws_beside_prompts(spec_);
  const double draws = c.mixture == "exact" ? 2 * exact_selection_draws(spec_.selection) : 0;
  const double errors = (steps + 1 + paired_steps + 1 + (spec_.baselines ? 2 * steps + 30 : 0)) * prompts;
  const double transformer = model.architecture == architecture_kind::gpt2
                                 ? gpt2_bytes(model.gpt2, spec_, static_cast<double>(c.n), threads)
                                 : 0;
  cost.bytes = static_cast<std::uint64_t>(8 * (per_thread * threads + std::max(errors, predicted) + draws * d * d) +
                                          matrix_bytes(spec_) + transformer);
  return cost;
}

}  // namespace cotscale
