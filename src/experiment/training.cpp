#include "training.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

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

namespace cotscale::detail {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// The optimum is theory's own, so that training does not judge itself; training's account counts where it is worse.
void judge_population(const trained_slice& trained, const mixture_theory& theory, double tolerance, cell_result& out) {
  const matrix& exact = theory.optimum;
  const direction_error measured =
      weakest_direction(preconditioner(trained.model), exact, matrix(exact.rows(), exact.columns()), theory.directions);
  out.weakest_direction_error = std::max(measured.largest, trained.record.direction_error);
  out.converged = trained.record.converged && measured.largest <= tolerance + measured.rounding ? 1 : 0;
  out.training_diverged = trained.record.diverged ? 1 : 0;
}

// Training in units of its own: c = 2^c_exponent · the c there, Λ likewise. V₃₁ is Λ⁻¹/c, its step (cΛ)⁻².
struct training_units {
  int c = 0;
  int mixture = 0;
  double steps_to_own(double step) const { return std::ldexp(step, 2 * (c + mixture)); }
  double steps_from_own(double step) const { return std::ldexp(step, -2 * (c + mixture)); }
};

void store_population(const trained_slice& trained, const matrix& exact, const task_mixture& tasks, std::int64_t n,
                      const training_units& units, cell_result& out) {
  const training_record& record = trained.record;
  const double c = trained.model.c;
  out.training_steps = record.steps;
  out.step_size = units.steps_from_own(record.step_size);
  // The paper's step is one of a single task.
  const covariance& lambda = tasks.task(0);
  const double gamma = gamma_eigenvalue(lambda.largest_eigenvalue(), lambda.trace(), static_cast<double>(n));
  out.step_size_paper = tasks.size() == 1 ? std::ldexp(1 / (c * c * gamma), -2 * units.c - units.mixture) : nan;
  out.gradient_norm = record.gradient_norm;
  out.final_loss = record.final_loss;
  out.training_loss = record.loss;
  out.w24 = -std::ldexp(c, units.c);
  // ‖V₃₁ + Γ⁻¹/c‖ / ‖Γ⁻¹/c‖ = ‖A − Γ⁻¹‖ / ‖Γ⁻¹‖ with A = −c V₃₁
  out.preconditioner_error =
      frobenius_norm(combination(1, preconditioner(trained.model), -1, exact)) / frobenius_norm(exact);
}

void store_sampled(const sampled_training& trained, const model_specification& model, const matrix& exact,
                   const matrix& directions, cell_result& out) {
  const sampled_record& record = trained.record;
  out.training_steps = record.steps;
  out.step_size = model.sampled.optimizer.learning_rate;
  out.step_size_paper = out.gradient_norm = nan;
  out.final_loss = record.final_loss;
  out.training_loss = record.loss;
  out.training_distance = record.preconditioner_distance;
  out.training_off_slice = record.off_slice;
  out.converged = record.diverged ? 0 : 1;
  out.training_diverged = record.diverged ? 1 : 0;
  out.weakest_direction_error =
      weakest_direction(effective_preconditioner(trained.model), exact, record.initial_preconditioner, directions)
          .largest;
  out.w24 = record.w24;
  out.preconditioner_error = record.final_preconditioner_distance;
}

void store_gpt2(const gpt2_record& record, const model_specification& model, cell_result& out) {
  out.training_steps = record.steps;
  out.step_size = model.gpt2.optimizer.learning_rate;
  out.step_size_paper = out.gradient_norm = out.preconditioner_error = out.weakest_direction_error = out.w24 = nan;
  out.final_loss = record.final_loss;
  out.training_loss = record.loss;
  out.converged = record.diverged ? 0 : 1;
  out.training_diverged = record.diverged ? 1 : 0;
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

trained_model train_model(const specification& spec, const coordinates& grid, const cell& c, const task_mixture& tasks,
                          const mixture_theory& theory, const std::stop_token& stop) {
  const model_specification& model = spec.model_tables.at(c.model);
  const int n = static_cast<int>(c.n);
  trained_model out;
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
  for (auto* series : {&out.record.training_loss, &out.record.training_distance, &out.record.training_off_slice}) {
    series->resize(grid.training_steps.size(), nan);
  }
  return out;
}

void store_weights(const trained_model& model, bool keep, const coordinates& grid, cell_result& out) {
  out.v.assign(grid.rows.size() * grid.rows.size(), nan);
  out.w = out.v;
  for (const weight_variable& weight : grid.weights) {
    out.weights.resize(out.weights.size() + weight.size(), std::numeric_limits<float>::quiet_NaN());
  }
  if (!keep) return;
  if (!model.gpt2) {
    const lsa_parameters weights = model.parameters();
    std::copy_n(weights.v.data(), out.v.size(), out.v.data());
    std::copy_n(weights.w.data(), out.w.size(), out.w.data());
    return;
  }
  // A tensor of fewer positions than the file has room for ends in NaN.
  auto at = out.weights.begin();
  const std::vector<gpt2_tensor> tensors = gpt2_layout(model.gpt2->configuration).tensors();
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const auto first = model.gpt2->parameters.begin() + static_cast<std::ptrdiff_t>(tensors[i].offset);
    std::copy_n(first, tensors[i].size(), at);
    at += static_cast<std::ptrdiff_t>(grid.weights[i].size());
  }
}

}  // namespace cotscale::detail
