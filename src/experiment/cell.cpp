#include "cotscale/experiment/cell.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <map>
#include <tuple>
#include <utility>

#include "cell_summary.hpp"
#include "cell_tasks.hpp"
#include "cotscale/base/error.hpp"
#include "cotscale/base/parallel.hpp"
#include "cotscale/eval/baselines.hpp"
#include "cotscale/eval/roll_out.hpp"
#include "cotscale/eval/statistics.hpp"
#include "cotscale/experiment/best_k.hpp"
#include "cotscale/experiment/scores.hpp"
#include "cotscale/experiment/stages.hpp"
#include "cotscale/theory/closed_forms.hpp"
#include "cotscale/theory/prediction.hpp"
#include "null_cache.hpp"
#include "recent.hpp"
#include "training.hpp"
#include "variables.hpp"

namespace cotscale {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

bool is_finite(const trained_sequence& model) {
  const std::vector<tensor_values> tensors = model.tensors();
  return std::all_of(tensors.begin(), tensors.end(), [](const tensor_values& tensor) {
    return std::visit(
        [](const auto& v) { return std::all_of(v.begin(), v.end(), [](auto x) { return std::isfinite(x); }); },
        tensor.values);
  });
}

}  // namespace

std::span<const variable> detail::mixture_variables() {
  static const std::vector<variable> declared{
      {"task_probability",
       value_type::f64,
       {"stage?", "task"},
       "share of the training prompts that have this task, of mixtures that are "
       "made of candidates"}};
  return declared;
}

int threads_of_blas(const specification& spec) {
  constexpr int large = 512;
  return matrix_side(spec) >= large ? thread_count() : 1;
}

struct cell_computer::implementation : detail::cell_tasks {
  using model_key = std::tuple<std::string, std::string, double, std::int64_t, std::int64_t>;  // model, mixture_key
  using prompt_key = std::tuple<double, std::int64_t, std::int64_t>;                           // hardness, repeat, m
  std::shared_ptr<const results_schema> schema;
  detail::null_cache nulls;
  detail::recent_values<model_key, std::shared_ptr<const trained_sequence>> models;
  detail::recent_values<prompt_key, std::vector<detail::baseline_summary>> baselines;

  implementation(const specification& s, const coordinates& g, std::shared_ptr<const results_schema> shape)
      : cell_tasks(s, g),
        schema(std::move(shape)),
        nulls(s, g),
        models(detail::room_for(10.0 * matrix_side(s) * matrix_side(s), 256)),
        baselines(detail::room_for(24.0 * (s.steps + 1), 20'000)) {}

  // A cell is here as one stage of its training has it (at_stage); `before` is what the stage before has left.
  std::shared_ptr<const trained_sequence> model_of(const cell& c, const trained_sequence* before,
                                                   const std::stop_token& stop) {
    const auto train = [&] {
      return detail::train_model(spec, grid, c, before, tasks_of(c, stop), *optimum_of(c, stop), stop);
    };
    // What is learned from samples is this cell's own.
    if (training_of(spec, c).learns_from_samples()) return train();
    return *models.get({c.model, c.mixture, c.hardness, c.n, candidate_repeat(c)}, train);
  }

  prompt_source examples(const cell& c, std::int64_t m) {
    return {*target_of(c), static_cast<int>(m), test_prompt_key(spec, c.hardness, c.repeat, m)};
  }

  std::unique_ptr<lane_source> prompts(const cell& c, std::int64_t m, bool of_baselines = false) {
    const stream_key key = test_prompt_key(spec, c.hardness, c.repeat, m);
    const int examples_of_prompt = static_cast<int>(m);
    switch (resolved_sampler(spec)) {
      case sampler_method::explicit_examples:
        return std::make_unique<explicit_prompts>(examples(c, m));
      case sampler_method::bidiagonal:
        return std::make_unique<bidiagonal_prompts>(target_of(c)->lambda, examples_of_prompt, spec.steps, key,
                                                    of_baselines ? baseline_columns(spec.d, examples_of_prompt) : 0);
      default:
        return std::make_unique<wishart_prompts>(*target_of(c), examples_of_prompt, key);
    }
  }

  // Nothing where the model has no positions for so many examples.
  chain_evaluation roll_out(const cell& c, const trained_sequence& model, std::int64_t m, const std::stop_token& stop) {
    if (!training_of(spec, c).limits().takes(m, c.n)) return {};
    const auto theory = optimum_of(c, stop);
    const chain_test test{.steps = spec.steps,
                          .prompts = spec.prompts,
                          .unit = known_target(c)->exponent,
                          .exact = theory->preconditioner,
                          .exact_rows = std::min(spec.steps, paired_steps) + 1,
                          .lanes = [&] { return prompts(c, m); },
                          .examples = [&] { return examples(c, m); },
                          .given_examples =
                              [&] {
                                return prompt_source(given_target(c), static_cast<int>(m),
                                                     test_prompt_key(spec, c.hardness, c.repeat, m));
                              }};
    return model.evaluate(test, stop);
  }

  std::shared_ptr<const std::vector<detail::baseline_summary>> baselines_of(const cell& c, std::int64_t m,
                                                                            const std::stop_token& stop) {
    return baselines.get({c.hardness, c.repeat, m}, [&] {
      const auto test = target_of(c);
      auto all = evaluate_baselines(baselines_for(grid.baselines.size() > baselines_for(false).size()),
                                    {*test, static_cast<int>(m), spec.steps}, *prompts(c, m, true), spec.prompts, stop);
      std::vector<detail::baseline_summary> out;
      for (baseline_errors& b : all) {
        const int units = b.unit * known_target(c)->exponent;
        detail::baseline_summary summary{.statistics = {}, .parameter = std::ldexp(b.parameter, units), .edge = b.edge};
        for (int k = 0; k < b.errors.rows; ++k) summary.statistics.push_back(summarise(b.errors.row(k)));
        summary.statistics.resize(static_cast<std::size_t>(spec.steps) + 1, summary.statistics.back());
        out.push_back(std::move(summary));
      }
      return out;
    });
  }

  // The exact expectation of the error over k where there is a formula, else NaN. A model that was trained to the
  // population optimum is held against the optimum itself.
  std::vector<double> exact_errors(const cell& c, const trained_sequence& model, const cell_theory& theory,
                                   std::int64_t m) {
    std::vector<double> out(grid.k.size(), nan);
    out[0] = spec.d;
    if (model.at_optimum() && out.size() > 1) {
      out[1] = one_step_error(theory.preconditioner, *target_of(c), static_cast<int>(m));
    }
    return out;
  }

  // Scores of the errors of grid.m[i]; before quantiles reorder them.
  void store_scores(const cell& c, const trained_sequence& model, std::size_t i, error_table& errors,
                    const std::stop_token& stop, cell_values& out) {
    const auto expected =
        model.at_optimum() ? nulls.get(c, candidate_repeat(c), optimum_of(c, stop)->preconditioner, *target_of(c), stop)
                           : nullptr;
    cotscale::store_scores(score_errors(errors, spec.steps, spec.d, expected ? &(*expected)[i] : nullptr,
                                        training_of(spec, c).map_tolerance(), spec.weights->degrees(spec.d)),
                           i, out);
  }

  void store_baselines(const cell& c, cell_values& out, const std::stop_token& stop) {
    for (std::size_t b = 0; b < grid.baselines.size(); ++b) {
      for (std::size_t m = 0; m < grid.m.size(); ++m) {
        detail::store_baseline((*baselines_of(c, grid.m[m], stop))[b], b * grid.m.size() + m, out);
      }
    }
  }

  std::shared_ptr<const trained_sequence> compute_stage(const cell& c, const trained_sequence* before,
                                                        const std::stop_token& stop, cell_values& out) {
    const auto theory = theory_of(c, stop);
    auto model = model_of(c, before, stop);
    detail::store_training(*model, out);
    const bool has_theory = training_of(spec, c).has_theory();
    if (has_theory) detail::store_theory(*theory, out);
    detail::store_predictions(has_theory ? theory->predictions : std::vector<chain_prediction>(), out);
    for (std::size_t i = 0; i < grid.m.size(); ++i) {
      chain_evaluation chain = roll_out(c, *model, grid.m[i], stop);
      store_scores(c, *model, i, chain.errors, stop, out);
      chain.errors.rows = std::min(chain.errors.rows, spec.steps + 1);  // those of the exact map have done their work
      detail::store_errors(exact_errors(c, *model, *theory, grid.m[i]), std::move(chain), i, out);
      // Its standard error says nothing then.
      const bool scored = spec.target.features->has_finite_variance() || grid.k.size() < 2;
      if (!scored) out.of<double>("z_score")[i * grid.k.size() + 1] = nan;
    }
    const auto shares = probabilities_of(c, stop);
    if (!shares->empty()) out.write("task_probability", *shares);
    return model;
  }

  // Weights that are not finite end the list: nothing can be trained from them.
  cell_values compute(const cell& c, const std::stop_token& stop) {
    cell_values out(schema);
    const model_specification& table = spec.model_tables.at(c.model);
    std::shared_ptr<const trained_sequence> model;
    for (std::size_t s = 0; s < stage_count(table); ++s) {
      if (s > 0 && !is_finite(*model)) break;
      out.enter(stage_axis, s);
      model = compute_stage(at_stage(spec, c, s), model.get(), stop, out);
    }
    out.leave();
    store_baselines(c, out, stop);
    if (table.keep_weights) detail::store_weights(*model, c.model, grid, out);
    return out;
  }
};

// One for each of the combinations of varied keys that cells came from last: what they share is of one combination.
struct cell_computer::variants {
  static constexpr std::size_t most = 16;
  const specification& spec;
  const coordinates& grid;
  std::shared_ptr<const results_schema> schema;
  std::function<bool()> out_of_time;
  bool alone = false;
  std::map<std::size_t, std::unique_ptr<implementation>> known;
  std::deque<std::size_t> order;

  implementation& of(const cell& c) {
    if (const auto found = known.find(c.variant); found != known.end()) return *found->second;
    if (order.size() == most) {
      known.erase(order.front());
      order.pop_front();
    }
    auto made = std::make_unique<implementation>(variant_of(spec, c.variant), grid, schema);
    if (alone) made->most_draws = made->spec.theory_most_draws;
    made->out_of_time = out_of_time;
    order.push_back(c.variant);
    return *known.emplace(c.variant, std::move(made)).first->second;
  }
};

cell_computer::cell_computer(const specification& spec, const coordinates& grid)
    : cell_computer(spec, grid, make_schema(grid)) {}

cell_computer::cell_computer(const specification& spec, const coordinates& grid,
                             std::shared_ptr<const results_schema> schema)
    : self_(std::make_unique<variants>(variants{spec, grid, std::move(schema), {}, false, {}, {}})) {}

cell_computer::~cell_computer() = default;

cell_values cell_computer::compute(const cell& c, const std::stop_token& stop) { return self_->of(c).compute(c, stop); }

std::shared_ptr<const cell_theory> cell_computer::theory(const cell& c, const std::stop_token& stop) {
  return self_->of(c).theory_of(c, stop);
}

std::shared_ptr<const mixture_theory> cell_computer::optimum(const cell& c, const std::stop_token& stop) {
  return self_->of(c).optimum_of(c, stop);
}

void cell_computer::predict_alone(std::function<bool()> out_of_time) {
  self_->alone = true;
  self_->out_of_time = std::move(out_of_time);
  self_->known.clear();
  self_->order.clear();
}

cell_values compute_cell(const specification& spec, const coordinates& grid, const cell& c,
                         const std::stop_token& stop) {
  return cell_computer(spec, grid).compute(c, stop);
}

}  // namespace cotscale
