#include "cotscale/experiment/cost_model.hpp"

#include <algorithm>
#include <cmath>
#include <memory>

#include "cotscale/architecture/machine.hpp"
#include "cotscale/eval/baselines.hpp"
#include "cotscale/experiment/stages.hpp"
#include "cotscale/experiment/theory_draws.hpp"
#include "cotscale/experiment/verdict.hpp"
#include "cotscale/theory/null_distribution.hpp"
#include "null_cache.hpp"

namespace cotscale {
namespace {

using namespace cost;

constexpr double seconds_per_cell = 60e-6;  // handing out, marking, durable storing
constexpr double seconds_per_stored_number = 64e-9;
constexpr double seconds_per_comparison = 2e-9;  // of sorting errors

// Least squares, ridge, 20 runs of gradient descent, two chains.
double baseline_seconds(double d, double m, double steps) {
  const double rank = std::min(d, m);
  const double flops =
      4 * d * rank * rank + 8 * (d * d * d / 3 + 2 * d * d) + 22 * steps * 2 * d * rank + 4 * steps * d * d;
  return flops * seconds_per_lane_flop;
}

// Powers and eigenvalues of I − AŜ for every draw, eight side by side where d is small. How many draws settle the best
// k is not known before: in the mean over specifications, some four times the first.
double prediction_seconds(const specification& spec, bool scalar) {
  const double d = spec.d;
  const double draws = std::min(4 * spec.theory_draws, most_draws_beside_prompts(spec));
  if (scalar && d > most_of_small_isotropic) {
    constexpr double flops = 45 * 12;  // a column, of the search for the largest eigenvalue
    const double columns = 12 * std::cbrt(d) + 32 + spec.steps;
    return draws * columns * (2 * seconds_per_chi + flops * seconds_per_lane_flop) * static_cast<double>(spec.m.size());
  }
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
double null_seconds(const specification& spec, bool scalar) {
  const double d = detail::dimensions_of_null_draws(spec, scalar);
  double seconds = 0;
  for (const std::int64_t count : spec.m) {
    const double rank = std::min(d, static_cast<double>(count)), steps = std::min(spec.steps, most_compared_steps);
    const double flops = steps * (2 * d * d + 2 * d * rank);
    constexpr double plain = 4;  // times as long as roll-outs take
    seconds += draw_seconds(d, static_cast<double>(count)) + plain * flops * seconds_per_lane_flop;
  }
  return seconds * null_draws(detail::dimensions_of_null_draws(spec, scalar), spec.prompts);
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

// Of the matrices of a cell: its covariances, their factors and what LAPACK works on; four a candidate. Of what
// features keep of files too.
double matrix_bytes(const specification& spec, bool scalar) {
  auto kept = static_cast<double>(spec.target.features->bytes());
  for (const auto& [name, mixture] : spec.mixture_tables) kept += static_cast<double>(mixture.task.features->bytes());
  const bool keeps = std::any_of(spec.model_tables.begin(), spec.model_tables.end(),
                                 [](const auto& table) { return table.second.keep_weights; });
  const double d = keeps || !scalar ? spec.d : 1;  // weights are kept in full
  return kept + 8.0 * (40 + 6 * candidate_count(spec.tasks)) * d * d;
}

// Of a test prompt.
struct prompt_cost {
  double drawing = 0, chain = 0, baselines = 0;  // seconds
  double numbers = 0;                            // that a thread keeps
};

// A chain of k steps has k(k + 1)/2 components; baselines draw what decides them, four times over.
prompt_cost cost_of_bidiagonal(const specification& spec, double m) {
  const int examples = static_cast<int>(m);
  const double columns = std::min({1.0 * spec.steps, 1.0 * spec.d, m});
  const double longer = std::max<double>(columns, baseline_columns(spec.d, examples));
  constexpr double flops = 12, solved = 8 * 20, runs = 22;  // a component's; a column's, of ridge; gradient descent's
  const double chain = flops * spec.steps * columns * seconds_per_lane_flop;
  return {.drawing = (2 * columns + 1) * seconds_per_chi,
          .chain = chain,
          .baselines = 4 * 2 * longer * seconds_per_chi + solved * longer * seconds_per_lane_flop + runs * chain,
          .numbers = 8 * (8 * longer + spec.steps)};
}

prompt_cost cost_of_prompt(const specification& spec, const sequence_model& model, double m, bool examples) {
  const double d = spec.d, steps = spec.steps;
  const double drawing = examples ? explicit_draw_seconds(d, m) : draw_seconds(d, m);
  return {.drawing = drawing,
          .chain = model.chain_seconds(d, m, steps),
          .baselines = 4 * drawing + baseline_seconds(d, m, steps),
          .numbers = (examples ? 2 * d * m : 0) + model.chain_numbers(d, m, steps) +
                     8 * (2 * d * std::min(d, m) + steps + 20)};
}

}  // namespace

std::uint64_t least_bytes(const specification& spec) {
  constexpr double most = 1e18;  // fits into 64 bits
  return static_cast<std::uint64_t>(std::min(most, matrix_bytes(spec, is_scalar(spec))));
}

// Its baselines, and what is done once a cell, count in the first.
cell_cost cost_model::of_stage(const cell& c, int threads) const {
  const sequence_model& model = training_of(spec_, c);
  const int n = static_cast<int>(c.n);
  const bool scalar = sampler_ == sampler_method::bidiagonal;
  const double d = scalar ? 1 : spec_.d;
  const double steps = spec_.steps;
  const double prompts = spec_.prompts;
  const bool drawn =
      depends_on_candidates(spec_, c.mixture) && spec_.tasks.source == tasks_specification::kind::generated;
  const bool trained_anew = drawn || model.learns_from_samples();
  // What cells share counts in equal parts: training among repeats, theory among models too, and baselines among all
  // that have the same test prompts.
  const double repeats = spec_.repeats;
  const auto models = static_cast<double>(spec_.models.size());
  const double matrices = (20 + 2 * steps) * product_seconds(d);
  double theory =
      (matrices + prediction_seconds(spec_, scalar) + null_seconds(spec_, scalar)) / models / (drawn ? 1 : repeats);
  if (c.mixture == "exact") theory += exact_selection_seconds(spec_) / models / (drawn ? 1 : repeats);
  const double training = model.training_seconds(d, static_cast<double>(c.n), !depends_on_candidates(spec_, c.mixture));
  cell_cost cost;
  const double stored = static_cast<double>(spec_.m.size()) * (steps + 1) * (spec_.baselines ? 40 : 20);
  cost.seconds = (c.stage == 0 ? seconds_per_cell : 0) + stored * seconds_per_stored_number + theory +
                 training / (trained_anew ? 1 : repeats) / model.busy_threads(spec_.d, n, threads);
  const double sharing = models * static_cast<double>(spec_.mixtures.size() * spec_.n.size());
  const bool examples = sampler_ == sampler_method::explicit_examples;
  double per_thread = 0;
  int largest_m = 0;  // of those that it is tested on
  for (const std::int64_t count : spec_.m) {
    const auto m = static_cast<double>(count);
    const prompt_cost prompt = scalar ? cost_of_bidiagonal(spec_, m) : cost_of_prompt(spec_, model, m, examples);
    const double baselines = spec_.baselines && c.stage == 0 ? prompt.baselines / sharing : 0;
    const bool tested = model.limits().takes(count, c.n);
    if (tested) largest_m = std::max(largest_m, static_cast<int>(count));
    const double chain = tested ? prompt.chain : 0;
    const double summary = (steps + 1) * std::log2(prompts + 1) * seconds_per_comparison;
    cost.seconds += prompts * ((prompt.drawing + chain + baselines) / threads + summary);
    per_thread = std::max(per_thread, prompt.numbers);
  }
  const double predicted = (steps + 1) * most_draws_beside_prompts(spec_);
  const double draws = c.mixture == "exact" ? 2 * exact_selection_draws(spec_.selection) : 0;
  const double errors = (steps + 1 + paired_steps + 1 + (spec_.baselines ? 2 * steps + 30 : 0)) * prompts;
  cost.bytes = static_cast<std::uint64_t>(8 * (per_thread * threads + std::max(errors, predicted) + draws * d * d) +
                                          matrix_bytes(spec_, scalar) +
                                          model.bytes(spec_.d, n, largest_m, spec_.prompts, spec_.steps, threads));
  return cost;
}

cell_cost cost_model::estimate(const cell& c, int threads) const {
  if (!spec_.variants.empty()) return cost_model(variant_of(spec_, c.variant)).estimate(c, threads);
  cell_cost sum;
  for (std::size_t s = 0; s < stage_count(spec_.model_tables.at(c.model)); ++s) {
    const cell_cost stage = of_stage(at_stage(spec_, c, s), threads);
    sum.seconds += stage.seconds;
    sum.bytes = std::max(sum.bytes, stage.bytes);
  }
  return sum;
}

}  // namespace cotscale
