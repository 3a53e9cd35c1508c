#include "cotscale/sweep/cell.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

#include "cotscale/base/error.hpp"
#include "cotscale/base/parallel.hpp"
#include "cotscale/eval/baselines.hpp"
#include "cotscale/eval/gpt2.hpp"
#include "cotscale/eval/roll_out.hpp"
#include "cotscale/eval/statistics.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/model/lsa_chain.hpp"
#include "cotscale/store/results_file.hpp"
#include "cotscale/sweep/selection.hpp"
#include "cotscale/theory/closed_forms.hpp"
#include "cotscale/theory/prediction.hpp"
#include "cotscale/train/gpt2.hpp"
#include "cotscale/train/population.hpp"
#include "cotscale/train/sampled.hpp"
#include "recent.hpp"

namespace cotscale {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr float nan_float = std::numeric_limits<float>::quiet_NaN();

/// A trained model, and the part of the results that tells of its training.
struct trained_model {
  std::optional<lsa_slice> slice;  ///< if it is on the slice of Theorem 3.1; else
  lsa_parameters general;          ///< all of V and W; or
  std::optional<gpt2_model> gpt2;
  matrix preconditioner;  ///< of the slice
  cell_result record;

  lsa_parameters parameters() const { return slice ? full_parameters(*slice) : general; }
};

// How many values of so many numbers each a cache may keep.
std::size_t room_for(double numbers, std::size_t most) {
  constexpr double megabytes = 24;
  return std::clamp<std::size_t>(static_cast<std::size_t>(megabytes * 1e6 / 8 / numbers), 4, most);
}

struct baseline_summary {
  std::vector<error_statistics> statistics;  ///< over k
  double parameter = 0;
};

void store_population(const trained_slice& trained, const cell_theory& theory, const task_mixture& tasks,
                      std::int64_t n, cell_result& out) {
  const training_record& record = trained.record;
  const double c = trained.model.c;
  out.training_steps = record.steps;
  out.step_size = record.step_size;
  // The paper's step is one of a single task.
  const covariance& lambda = tasks.task(0);
  const double gamma = gamma_eigenvalue(lambda.largest_eigenvalue(), lambda.trace(), static_cast<double>(n));
  out.step_size_paper = tasks.size() == 1 ? 1 / (c * c * gamma) : nan;
  out.gradient_norm = record.gradient_norm;
  out.final_loss = record.final_loss;
  out.training_loss = record.loss;
  out.training_distance.assign(record.loss.size(), nan);
  out.training_off_slice.assign(record.loss.size(), nan);
  out.converged = record.converged ? 1 : 0;
  out.w24 = -c;
  // ‖V₃₁ + Γ⁻¹/c‖ / ‖Γ⁻¹/c‖ = ‖A − Γ⁻¹‖ / ‖Γ⁻¹‖ with A = −c V₃₁
  const matrix& exact = theory.preconditioner;
  out.preconditioner_error =
      frobenius_norm(combination(1, preconditioner(trained.model), -1, exact)) / frobenius_norm(exact);
}

void store_sampled(const sampled_training& trained, const model_specification& model, cell_result& out) {
  const sampled_record& record = trained.record;
  out.training_steps = record.steps;
  out.step_size = model.sampled.optimizer.learning_rate;
  out.step_size_paper = out.gradient_norm = nan;
  out.final_loss = record.final_loss;
  out.training_loss = record.loss;
  out.training_distance = record.preconditioner_distance;
  out.training_off_slice = record.off_slice;
  out.converged = record.converged ? 1 : 0;
  out.w24 = record.w24;
  out.preconditioner_error = record.final_preconditioner_distance;
}

void store_gpt2(const gpt2_record& record, const model_specification& model, cell_result& out) {
  out.training_steps = record.steps;
  out.step_size = model.gpt2.optimizer.learning_rate;
  out.step_size_paper = out.gradient_norm = out.preconditioner_error = out.w24 = nan;
  out.final_loss = record.final_loss;
  out.training_loss = record.loss;
  out.training_distance.assign(record.loss.size(), nan);
  out.training_off_slice.assign(record.loss.size(), nan);
  out.converged = record.converged ? 1 : 0;
  out.training_seconds = record.seconds;
  out.tokens_per_second = record.tokens_per_second;
}

/// Errors of a chain, and how its steps compare with pseudo-Newton steps.
struct chain_results {
  error_table errors;
  std::vector<double> newton_slope, newton_r2;  ///< over k; NaN where there is no further step
};

chain_results without_results(int steps, int prompts) {
  const std::size_t count = static_cast<std::size_t>(steps) + 1;
  return {.errors = {.rows = 0, .prompts = prompts, .values = {}},
          .newton_slope = std::vector<double>(count, nan),
          .newton_r2 = std::vector<double>(count, nan)};
}

// +inf where the mean has diverged and theory has not.
double z_score(const error_statistics& measured, double theory) {
  if (std::isinf(measured.mean) && std::isfinite(theory)) return measured.mean;
  return (measured.mean - theory) / measured.standard_error;
}

// Weights of the same cell in another results file, to begin with.
lsa_parameters stored_weights(const specification& spec, const model_specification& model, const cell& c) {
  const std::string path = (spec.directory / model.initial_file).string();
  const results_reader file(path);
  cell wanted = c;
  wanted.model = model.initial_model;
  const std::optional<cell_position> position = find_cell(file.grid(), wanted);
  if (!position || file.grid().rows.empty()) {
    throw specification_error(fmt::format(
        "{}: holds no weights of {}; it must come from a sweep with keep_weights = true", path, describe(wanted)));
  }
  const int side = 2 * spec.d + 2;
  lsa_parameters out{.v = matrix(side, side), .w = matrix(side, side)};
  for (const auto& [name, target] : {std::pair{"v", &out.v}, std::pair{"w", &out.w}}) {
    const std::vector<double> values = file.cell_values(name, *position);
    if (values.size() != target->size() || std::isnan(values.front())) {
      throw specification_error(
          fmt::format("{}: the weights of {} are not there yet, or of another d", path, describe(wanted)));
    }
    std::copy(values.begin(), values.end(), target->data());
  }
  return out;
}

}  // namespace

struct cell_computer::implementation {
  const specification& spec;
  const coordinates& grid;
  // Keys hold what a value depends on; `repeat` is −1 where it does not matter.
  using mixture_key = std::tuple<std::string, double, std::int64_t, std::int64_t>;  // mixture, hardness, n, repeat
  using model_key = std::tuple<std::string, std::string, double, std::int64_t, std::int64_t>;  // model, then the same
  using prompt_key = std::tuple<double, std::int64_t, std::int64_t>;                           // hardness, repeat, m
  detail::recent_values<double, covariance> targets;
  detail::recent_values<std::int64_t, std::shared_ptr<const candidate_tasks>> candidates{2};
  detail::recent_values<mixture_key, std::vector<double>> probabilities{10'000};  // of candidates: dear to find, small
  detail::recent_values<mixture_key, cell_theory> theories;
  detail::recent_values<model_key, trained_model> models;
  detail::recent_values<prompt_key, std::vector<baseline_summary>> baselines;

  implementation(const specification& s, const coordinates& g)
      : spec(s),
        grid(g),
        targets(room_for(3.0 * s.d * s.d, 64)),
        theories(room_for(1.0 * s.d * s.d + 6.0 * static_cast<double>(s.m.size()) * s.steps, 256)),
        models(room_for(10.0 * s.d * s.d, 256)),
        baselines(room_for(24.0 * (s.steps + 1), 20'000)) {}

  // One large matrix is worth all threads; its last bits may then depend on their number.
  int threads_of_blas() const { return spec.d >= large_dimension ? thread_count() : 1; }

  // The repeat, if what the mixture is made of depends on it.
  std::int64_t candidate_repeat(const cell& c) const {
    const bool drawn = spec.tasks.source == tasks_specification::kind::generated;
    return drawn && depends_on_candidates(spec, c.mixture) ? c.repeat : -1;
  }

  std::shared_ptr<const covariance> target_of(const cell& c) {
    return targets.get(c.hardness, [&] { return target_covariance(spec, c.hardness); });
  }

  std::shared_ptr<const candidate_tasks> candidates_of(const cell& c) {
    return *candidates.get(candidate_repeat(c), [&] { return make_candidates(spec, c.repeat); });
  }

  // Of the candidates, if the mixture is made of them; else empty.
  std::shared_ptr<const std::vector<double>> probabilities_of(const cell& c, const std::stop_token& stop) {
    const mixture_key key{c.mixture, c.hardness, c.mixture == "exact" ? c.n : -1, candidate_repeat(c)};
    return probabilities.get(key, [&] {
      if (!depends_on_candidates(spec, c.mixture)) return std::vector<double>();
      return candidate_probabilities(spec, c.mixture, *candidates_of(c), *target_of(c), c.hardness, c.n, stop);
    });
  }

  task_mixture tasks_of(const cell& c, const std::stop_token& stop) {
    if (!depends_on_candidates(spec, c.mixture)) {
      return task_mixture(mixture_covariance(spec, c.mixture, *target_of(c)));
    }
    return {candidates_of(c)->tasks, *probabilities_of(c, stop)};
  }

  std::shared_ptr<const cell_theory> theory_of(const cell& c, const std::stop_token& stop) {
    const mixture_key key{c.mixture, c.hardness, c.n, candidate_repeat(c)};
    return theories.get(key, [&] {
      const task_mixture tasks = tasks_of(c, stop);
      const covariance& sigma = *target_of(c);
      const blas_threads scope(threads_of_blas());
      cell_theory out;
      out.preconditioner = trained_preconditioner(tasks, static_cast<int>(c.n));
      out.limit = limit_errors(out.preconditioner, sigma, spec.steps, stop);
      const bool matched = tasks.size() == 1 && tasks.task(0).values() == sigma.values();
      out.bound = matched ? matched_bounds(spec.d, static_cast<int>(c.n), sigma.hardness(), spec.steps)
                          : std::vector<double>(static_cast<std::size_t>(spec.steps) + 1, nan);
      out.spectral_radius = limit_spectral_radius(out.preconditioner, sigma);
      for (const std::int64_t m : grid.m) {
        if (spec.theory_draws == 0) break;
        out.predictions.push_back(predict_chain(out.preconditioner, sigma, static_cast<int>(m), spec.steps,
                                                spec.theory_draws, prediction_key(spec, c.hardness, m), stop));
      }
      return out;
    });
  }

  // The steps at which a training of so many steps is recorded.
  std::vector<std::int64_t> recorded(std::int64_t steps) const {
    const auto& axis = grid.training_steps;
    return {axis.begin(), std::upper_bound(axis.begin(), axis.end(), steps)};
  }

  trained_model train(const cell& c, const std::stop_token& stop) {
    const model_specification& model = spec.model_tables.at(c.model);
    const task_mixture tasks = tasks_of(c, stop);
    const cell_theory& theory = *theory_of(c, stop);
    const int n = static_cast<int>(c.n);
    trained_model out;
    if (model.architecture == architecture_kind::gpt2) {
      const auto record_steps = recorded(model.gpt2.steps);
      gpt2_training trained = train_gpt2(tasks, n, model.gpt2, training_key(spec, c), record_steps, stop);
      store_gpt2(trained.record, model, out.record);
      out.gpt2 = std::move(trained.model);
    } else if (model.training == training_method::samples) {
      sampled_options options = model.sampled;
      if (options.initial == initial_weights::given) options.given = stored_weights(spec, model, c);
      const auto record_steps = recorded(options.steps);
      sampled_training trained =
          train_sampled(tasks, n, options, training_key(spec, c), theory.preconditioner, record_steps, stop);
      store_sampled(trained, model, out.record);
      out.general = std::move(trained.model);
    } else {
      const blas_threads scope(threads_of_blas());
      const prompt_moments m = moments(tasks, n);
      const descent_options options{
          .c = model.c, .tolerance = model.tolerance, .max_steps = model.max_steps, .step_size = model.step_size};
      const trained_slice trained = model.training == training_method::closed_form
                                        ? closed_form(m, model.c, grid.training_steps)
                                        : descend(m, options, grid.training_steps, stop);
      store_population(trained, theory, tasks, c.n, out.record);
      out.slice = trained.model;
      out.preconditioner = preconditioner(trained.model);
    }
    for (auto* series : {&out.record.training_loss, &out.record.training_distance, &out.record.training_off_slice}) {
      series->resize(grid.training_steps.size(), nan);
    }
    return out;
  }

  std::shared_ptr<const trained_model> model_of(const cell& c, const std::stop_token& stop) {
    const bool sampled = spec.model_tables.at(c.model).training == training_method::samples;
    const model_key key{c.model, c.mixture, c.hardness, c.n, sampled ? c.repeat : candidate_repeat(c)};
    return models.get(key, [&] { return train(c, stop); });
  }

  prompt_source examples(const cell& c, std::int64_t m) {
    return {*target_of(c), static_cast<int>(m), test_prompt_key(spec, c.hardness, c.repeat, m)};
  }

  std::unique_ptr<lane_source> prompts(const cell& c, std::int64_t m) {
    if (resolved_sampler(spec) == sampler_method::explicit_examples) {
      return std::make_unique<explicit_prompts>(examples(c, m));
    }
    return std::make_unique<wishart_prompts>(*target_of(c), static_cast<int>(m),
                                             test_prompt_key(spec, c.hardness, c.repeat, m));
  }

  chain_results roll_out(const cell& c, const trained_model& model, std::int64_t m, const std::stop_token& stop) {
    chain_results out = without_results(spec.steps, spec.prompts);
    if (model.gpt2) {
      if (m > c.n) return out;  // it has no positions for so many examples
      return roll_out_beside_newton(c, *model.gpt2, m, stop);
    }
    if (spec.model_tables.at(c.model).roll_out == roll_out_method::definition) {
      out.errors = evaluate_definition(model.parameters(), spec.steps, examples(c, m), spec.prompts, stop);
      return out;
    }
    const std::unique_ptr<lane_source> source = prompts(c, m);
    lane_errors chain;
    if (model.slice) {
      chain = [&](const prompt_lanes& p, matrix& errors) { pseudo_newton(model.preconditioner, p, errors); };
    } else {
      chain = [&](const prompt_lanes& p, matrix& errors) { chain_errors(model.general, p, errors); };
    }
    out.errors = evaluate(chain, spec.steps + 1, *source, spec.prompts, stop);
    return out;
  }

  // Regression through the origin of w_{k+1} − w_k on Γ⁻¹Ŝ(w − w_k), over all prompts together.
  chain_results roll_out_beside_newton(const cell& c, const gpt2_model& model, std::int64_t m,
                                       const std::stop_token& stop) {
    const matrix& inverse = theory_of(c, stop)->preconditioner;
    chain_results out = without_results(spec.steps, spec.prompts);
    const auto count = static_cast<std::size_t>(spec.prompts);
    out.errors = {.rows = spec.steps + 1,
                  .prompts = spec.prompts,
                  .values = std::vector<double>(out.newton_slope.size() * count)};
    matrix squares(spec.prompts, spec.steps), products = squares, lengths = squares;
    const auto visit = [&](int i, const prompt& p, const matrix& estimates) {
      std::vector<double> rest(p.w.size()), label(p.y.size()), descent(p.w.size()), newton(p.w.size());
      for (int k = 0; k <= spec.steps; ++k) {
        double square = 0;
        for (std::size_t j = 0; j < rest.size(); ++j) {
          rest[j] = p.w[j] - estimates(k, static_cast<int>(j));
          square += rest[j] * rest[j];
        }
        out.errors.row(k)[static_cast<std::size_t>(i)] = square;
        if (k == spec.steps) break;
        multiply_transposed(1, p.x, rest, 0, label);
        multiply(1.0 / static_cast<double>(m), p.x, label, 0, descent);
        multiply(1, inverse, descent, 0, newton);
        for (std::size_t j = 0; j < rest.size(); ++j) {
          const int column = static_cast<int>(j);
          const double step = estimates(k + 1, column) - estimates(k, column);
          squares(i, k) += newton[j] * newton[j];
          products(i, k) += newton[j] * step;
          lengths(i, k) += step * step;
        }
      }
    };
    roll_out_gpt2(model, spec.steps, examples(c, m), spec.prompts, visit, stop);
    for (int k = 0; k < spec.steps; ++k) {
      double square = 0, product_sum = 0, length = 0;
      for (int i = 0; i < spec.prompts; ++i) {
        square += squares(i, k);
        product_sum += products(i, k);
        length += lengths(i, k);
      }
      const auto at = static_cast<std::size_t>(k);
      out.newton_slope[at] = product_sum / square;
      out.newton_r2[at] = product_sum * product_sum / (square * length);
    }
    return out;
  }

  std::shared_ptr<const std::vector<baseline_summary>> baselines_of(const cell& c, std::int64_t m,
                                                                    const std::stop_token& stop) {
    return baselines.get({c.hardness, c.repeat, m}, [&] {
      auto all = evaluate_baselines(*target_of(c), static_cast<int>(m), *prompts(c, m), spec.prompts, spec.steps, stop);
      std::vector<baseline_summary> out;
      for (baseline_errors& b : all) {
        baseline_summary summary{.statistics = {}, .parameter = b.parameter};
        for (int k = 0; k < b.errors.rows; ++k) summary.statistics.push_back(summarise(b.errors.row(k)));
        summary.statistics.resize(static_cast<std::size_t>(spec.steps) + 1, summary.statistics.back());
        out.push_back(std::move(summary));
      }
      return out;
    });
  }

  // The exact expectation of the error after k steps where there is a formula, else NaN. A model that was trained to
  // the population optimum is held against the optimum itself.
  double exact_error(const cell& c, const trained_model& model, const cell_theory& theory, std::int64_t m, int k) {
    if (k == 0) return spec.d;
    if (k > 1 || !model.slice) return nan;
    return one_step_error(theory.preconditioner, *target_of(c), static_cast<int>(m));
  }

  void store_theory(const cell_theory& theory, cell_result& out) {
    out.theory_limit = theory.limit;
    out.theory_bound = theory.bound;
    out.spectral_radius = theory.spectral_radius;
    const std::vector<double> unknown(static_cast<std::size_t>(spec.steps) + 1, nan);
    for (std::size_t i = 0; i < grid.m.size(); ++i) {
      const chain_prediction* p = theory.predictions.empty() ? nullptr : &theory.predictions[i];
      const std::vector<double>& errors = p == nullptr ? unknown : p->error;
      const std::vector<double>& spread = p == nullptr ? unknown : p->standard_error;
      out.predicted_error.insert(out.predicted_error.end(), errors.begin(), errors.end());
      out.predicted_stderr.insert(out.predicted_stderr.end(), spread.begin(), spread.end());
      out.predicted_best_k.push_back(p == nullptr ? -1 : p->best_k);
      out.predicted_diverging_share.push_back(p == nullptr ? nan : p->diverging_share);
    }
  }

  void store_errors(const cell& c, const trained_model& model, const cell_theory& theory, std::int64_t m,
                    chain_results chain, cell_result& out) {
    out.newton_slope.insert(out.newton_slope.end(), chain.newton_slope.begin(), chain.newton_slope.end());
    out.newton_r2.insert(out.newton_r2.end(), chain.newton_r2.begin(), chain.newton_r2.end());
    constexpr error_statistics none{nan, nan, nan, nan, nan, nan};
    const bool computed = chain.errors.rows > 0;
    const std::size_t first = out.error_mean.size();
    for (int k = 0; k <= spec.steps; ++k) {
      const error_statistics s = computed ? summarise(chain.errors.row(k)) : none;
      const double expected = exact_error(c, model, theory, m, k);
      out.error_mean.push_back(s.mean);
      out.error_stderr.push_back(s.standard_error);
      out.error_median.push_back(s.median);
      out.error_q05.push_back(s.q05);
      out.error_q95.push_back(s.q95);
      out.diverged_share.push_back(s.diverged_share);
      out.theory_error.push_back(expected);
      out.z_score.push_back(z_score(s, expected));
    }
    const auto begin = out.error_mean.begin() + static_cast<std::ptrdiff_t>(first);
    out.best_k.push_back(computed ? std::min_element(begin, out.error_mean.end()) - begin : -1);
  }

  // Rows in the order (baseline, m, k).
  void store_baselines(const cell& c, cell_result& out, const std::stop_token& stop) {
    for (std::size_t b = 0; b < grid.baselines.size(); ++b) {
      for (const std::int64_t m : grid.m) {
        const baseline_summary& summary = (*baselines_of(c, m, stop))[b];
        out.baseline_parameter.push_back(summary.parameter);
        for (const error_statistics& s : summary.statistics) {
          out.baseline_error.push_back(s.mean);
          out.baseline_stderr.push_back(s.standard_error);
          out.baseline_median.push_back(s.median);
        }
      }
    }
  }

  // A tensor of fewer positions than the file has room for ends in NaN.
  void store_transformer(const trained_model& model, bool keep, cell_result& out) const {
    for (const weight_variable& weight : grid.weights)
      out.weights.resize(out.weights.size() + weight.size(), nan_float);
    if (!keep) return;
    auto at = out.weights.begin();
    const std::vector<gpt2_tensor> tensors = gpt2_layout(model.gpt2->configuration).tensors();
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      std::copy_n(model.gpt2->parameters.begin() + static_cast<std::ptrdiff_t>(tensors[i].offset), tensors[i].size(),
                  at);
      at += static_cast<std::ptrdiff_t>(grid.weights[i].size());
    }
  }

  void store_weights(const trained_model& model, const model_specification& s, cell_result& out) const {
    store_transformer(model, s.keep_weights && model.gpt2, out);
    out.v.assign(grid.rows.size() * grid.rows.size(), nan);
    out.w = out.v;
    if (!s.keep_weights || model.gpt2) return;
    const lsa_parameters weights = model.parameters();
    std::copy_n(weights.v.data(), out.v.size(), out.v.data());
    std::copy_n(weights.w.data(), out.w.size(), out.w.data());
  }

  cell_result compute(const cell& c, const std::stop_token& stop) {
    const auto theory = theory_of(c, stop);
    const auto model = model_of(c, stop);
    cell_result out = model->record;
    store_theory(*theory, out);
    for (const std::int64_t m : grid.m) store_errors(c, *model, *theory, m, roll_out(c, *model, m, stop), out);
    store_baselines(c, out, stop);
    store_weights(*model, spec.model_tables.at(c.model), out);
    out.task_probability = *probabilities_of(c, stop);
    out.task_probability.resize(grid.tasks.size(), nan);
    return out;
  }
};

cell_computer::cell_computer(const specification& spec, const coordinates& grid)
    : self_(std::make_unique<implementation>(spec, grid)) {}

cell_computer::~cell_computer() = default;

cell_result cell_computer::compute(const cell& c, const std::stop_token& stop) { return self_->compute(c, stop); }

std::shared_ptr<const cell_theory> cell_computer::theory(const cell& c, const std::stop_token& stop) {
  return self_->theory_of(c, stop);
}

cell_result compute_cell(const specification& spec, const coordinates& grid, const cell& c,
                         const std::stop_token& stop) {
  return cell_computer(spec, grid).compute(c, stop);
}

}  // namespace cotscale
