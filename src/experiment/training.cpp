#include "training.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "cotscale/base/error.hpp"
#include "cotscale/base/parallel.hpp"
#include "cotscale/experiment/cell.hpp"
#include "cotscale/experiment/initial_weights.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/theory/closed_forms.hpp"
#include "cotscale/train/direction_error.hpp"
#include "cotscale/train/gpt2.hpp"
#include "cotscale/train/population.hpp"
#include "cotscale/train/sampled.hpp"
#include "variables.hpp"

namespace cotscale::detail {
namespace {

void set_verdict(std::string_view name, bool verdict, cell_values& out) {
  out.set(name, static_cast<std::int8_t>(verdict ? 1 : 0));
}

// Over the steps at which training was recorded, which are the first of the axis.
void write_series(std::string_view name, std::vector<double> values, cell_values& out) {
  values.resize(std::min(values.size(), out.of<double>(name).size()));
  out.write(name, values);
}

// The optimum is theory's own, so that training does not judge itself; training's account counts where it is worse.
void judge_population(const trained_slice& trained, const mixture_theory& theory, double tolerance, cell_values& out) {
  const matrix& exact = theory.optimum;
  const direction_error measured =
      weakest_direction(preconditioner(trained.model), exact, matrix(exact.rows(), exact.columns()), theory.directions);
  out.set("weakest_direction_error", std::max(measured.largest, trained.record.direction_error));
  set_verdict("converged", trained.record.converged && measured.largest <= tolerance + measured.rounding, out);
  set_verdict("training_diverged", trained.record.diverged, out);
}

// Training in units of its own: c = 2^c_exponent · the c there, Λ likewise. V₃₁ is Λ⁻¹/c, its step (cΛ)⁻².
struct training_units {
  int c = 0;
  int mixture = 0;
  double steps_to_own(double step) const { return std::ldexp(step, 2 * (c + mixture)); }
  double steps_from_own(double step) const { return std::ldexp(step, -2 * (c + mixture)); }
};

void store_population(const trained_slice& trained, const matrix& exact, const task_mixture& tasks, std::int64_t n,
                      const training_units& units, cell_values& out) {
  const training_record& record = trained.record;
  const double c = trained.model.c;
  out.set("training_steps", std::int64_t{record.steps});
  out.set("step_size", units.steps_from_own(record.step_size));
  // The paper's step is one of a single task.
  const covariance& lambda = tasks.task(0);
  const double gamma = gamma_eigenvalue(lambda.largest_eigenvalue(), lambda.trace(), static_cast<double>(n));
  if (tasks.size() == 1) out.set("step_size_paper", std::ldexp(1 / (c * c * gamma), -2 * units.c - units.mixture));
  out.set("gradient_norm", record.gradient_norm);
  out.set("final_loss", record.final_loss);
  write_series("training_loss", record.loss, out);
  out.set("w24", -std::ldexp(c, units.c));
  // ‖V₃₁ + Γ⁻¹/c‖ / ‖Γ⁻¹/c‖ = ‖A − Γ⁻¹‖ / ‖Γ⁻¹‖ with A = −c V₃₁
  out.set("preconditioner_error",
          frobenius_norm(combination(1, preconditioner(trained.model), -1, exact)) / frobenius_norm(exact));
}

void store_sampled(const sampled_training& trained, const model_specification& model, const matrix& exact,
                   const matrix& directions, cell_values& out) {
  const sampled_record& record = trained.record;
  out.set("training_steps", std::int64_t{record.steps});
  out.set("step_size", model.sampled.optimizer.learning_rate);
  out.set("final_loss", record.final_loss);
  write_series("training_loss", record.loss, out);
  write_series("training_distance", record.preconditioner_distance, out);
  write_series("training_off_slice", record.off_slice, out);
  set_verdict("converged", !record.diverged, out);
  set_verdict("training_diverged", record.diverged, out);
  out.set("weakest_direction_error",
          weakest_direction(effective_preconditioner(trained.model), exact, record.initial_preconditioner, directions)
              .largest);
  out.set("w24", record.w24);
  out.set("preconditioner_error", record.final_preconditioner_distance);
}

void store_gpt2(const gpt2_record& record, const model_specification& model, cell_values& out) {
  out.set("training_steps", std::int64_t{record.steps});
  out.set("step_size", model.gpt2.optimizer.learning_rate);
  out.set("final_loss", record.final_loss);
  write_series("training_loss", record.loss, out);
  set_verdict("converged", !record.diverged, out);
  set_verdict("training_diverged", record.diverged, out);
  out.training_seconds = record.seconds;
  out.tokens_per_second = record.tokens_per_second;
}

// The steps at which a training of so many steps is recorded.
std::vector<std::int64_t> recorded(const coordinates& grid, std::int64_t steps) {
  const auto& axis = grid.training_steps;
  return {axis.begin(), std::upper_bound(axis.begin(), axis.end(), steps)};
}

void train_on_population(const specification& spec, const coordinates& grid, const cell& c, const task_mixture& given,
                         const mixture_theory& theory, const std::stop_token& stop, trained_model& out) {
  const model_specification& model = spec.model_tables.at(c.model);
  const training_units units{.c = std::ilogb(model.c), .mixture = theory.units.mixture};
  const blas_threads scope(threads_of_blas(spec));
  const task_mixture tasks = given.scaled(-units.mixture);
  const prompt_moments m = moments(tasks, static_cast<int>(c.n));
  descent_options options{.c = std::ldexp(model.c, -units.c),
                          .tolerance = model.tolerance,
                          .max_steps = model.max_steps,
                          .step_size = model.step_size};
  if (options.step_size) options.step_size = units.steps_to_own(*options.step_size);
  const bool inverted = model.training == training_method::closed_form;
  const trained_slice trained = inverted ? closed_form(m, theory.optimum, options.c, grid.training_steps)
                                         : descend(m, options, grid.training_steps, stop);
  store_population(trained, theory.optimum, tasks, c.n, units, out.record);
  judge_population(trained, theory, inverted ? closed_form_tolerance : model.tolerance, out.record);
  out.slice = {.c = model.c, .v31 = times_power_of_two(trained.model.v31, -units.c - units.mixture)};
  out.preconditioner = times_power_of_two(preconditioner(trained.model), theory.units.target - units.mixture);
}

}  // namespace

std::span<const variable> training_variables() {
  using enum value_type;
  const std::vector<std::string> over{"training_step"};
  const std::string verdicts = "not_computed no yes";
  static const std::vector<variable> declared{
      {"training_steps", i64, {}, "steps of training that were taken, -1 not computed"},
      {"step_size",
       f64,
       {},
       "constant step of gradient descent on the population loss, in units of 1/(c Lambda)^2; largest learning rate of "
       "training from samples"},
      {"step_size_paper", f64, {}, "the step of Theorem 3.1, 1/(c^2 |Gamma|), in units of 1/(c^2 Lambda)"},
      {"gradient_norm", f64, {}, "norm of the last gradient of the population loss relative to the first"},
      {"final_loss",
       f64,
       {},
       "population loss after the last step; from samples, mean of the objective over the last batches"},
      {"training_loss", f64, over, "population loss during training; from samples, objective of the next batch"},
      {"training_distance", f64, over, "relative distance of the preconditioner from Gamma^-1 during training"},
      {"training_off_slice", f64, over, "norm of the blocks of V and W that stay zero in Theorem 3.1, relative to V31"},
      {"preconditioner_error", f64, {}, "relative distance of the preconditioner from Gamma^-1"},
      {"weakest_direction_error",
       f64,
       {},
       "largest relative distance of the preconditioner from Gamma^-1 along any of its directions"},
      {"w24", f64, {}, "W24 after training, in units of c"},
      {.name = "converged",
       .type = i8,
       .long_name = "whether training came to its end as it should",
       .meanings = verdicts},
      {.name = "training_diverged", .type = i8, .long_name = "whether training diverged", .meanings = verdicts},
  };
  return declared;
}

std::span<const variable> lsa_weight_variables() {
  using enum value_type;
  const std::vector<std::string> over{"row", "column"};
  const std::string group(weights_group);
  static const std::vector<variable> declared{
      {"v", f64, over, "V after training, V31 in units of 1/(c Lambda)", "1", group},
      {"w", f64, over, "W after training, W24 in units of c", "1", group},
  };
  return declared;
}

trained_model train_model(const specification& spec, const coordinates& grid, const cell& c, const task_mixture& tasks,
                          const mixture_theory& theory, const std::shared_ptr<const results_schema>& schema,
                          const std::stop_token& stop) {
  const model_specification& model = spec.model_tables.at(c.model);
  const int n = static_cast<int>(c.n);
  trained_model out;
  out.record = cell_values(schema);
  if (model.architecture == architecture_kind::gpt2) {
    const auto record_steps = recorded(grid, model.gpt2.steps);
    gpt2_training trained = train_gpt2(tasks, n, model.gpt2, training_key(spec, c), record_steps, stop);
    store_gpt2(trained.record, model, out.record);
    out.gpt2 = std::move(trained.model);
  } else if (model.training == training_method::samples) {
    sampled_options options = model.sampled;
    if (options.initial == initial_weights::given) options.given = model.initial->weights(c, model, spec.d);
    const auto record_steps = recorded(grid, options.steps);
    const matrix exact = times_power_of_two(theory.optimum, -theory.units.mixture);
    sampled_training trained = train_sampled(tasks, n, options, training_key(spec, c), exact, record_steps, stop);
    store_sampled(trained, model, exact, theory.directions, out.record);
    out.general = std::move(trained.model);
  } else {
    train_on_population(spec, grid, c, tasks, theory, stop, out);
  }
  return out;
}

void store_weights(const trained_model& model, cell_values& out) {
  if (!model.gpt2) {
    const lsa_parameters weights = model.parameters();
    std::copy_n(weights.v.data(), weights.v.size(), out.of<double>("v").data());
    std::copy_n(weights.w.data(), weights.w.size(), out.of<double>("w").data());
    return;
  }
  // A tensor of fewer positions than the file has room for ends in NaN.
  const gpt2_layout layout(model.gpt2->configuration);
  for (const gpt2_tensor& tensor : layout.tensors()) {
    const auto first = model.gpt2->parameters.begin() + static_cast<std::ptrdiff_t>(tensor.offset);
    const std::span<float> to = out.of<float>(tensor.name);
    expects(tensor.size() <= to.size(), "store_weights: {} numbers of {} for {}", tensor.size(), tensor.name,
            to.size());
    std::copy_n(first, tensor.size(), to.data());
  }
}

}  // namespace cotscale::detail
