// How linear self-attention is trained: on its population loss, in units of its own, or from samples.
#include <algorithm>
#include <cmath>

#include "../learning_report.hpp"
#include "cotscale/base/error.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/train/direction_error.hpp"
#include "lsa.hpp"
#include "tensors.hpp"
#include "trained_lsa.hpp"

namespace cotscale::architectures {
namespace {

// Training in units of its own: c = 2^c_exponent · the c there, Λ likewise. V₃₁ is Λ⁻¹/c, its step (cΛ)⁻².
struct training_units {
  int c = 0;
  int mixture = 0;
  double steps_to_own(double step) const { return std::ldexp(step, 2 * (c + mixture)); }
  double steps_from_own(double step) const { return std::ldexp(step, -2 * (c + mixture)); }
};

void report_population(const trained_slice& trained, const training_problem& problem, const task_mixture& tasks,
                       const training_units& units, training_report& out) {
  const training_record& record = trained.record;
  const matrix& exact = problem.optimum;
  const double c = trained.model.c;
  out.steps = record.steps;
  out.step_size = units.steps_from_own(record.step_size);
  // The paper's step is one of a single task.
  const covariance& lambda = tasks.task(0);
  const double gamma = gamma_eigenvalue(lambda.largest_eigenvalue(), lambda.trace(), problem.n);
  if (tasks.size() == 1) out.step_size_paper = std::ldexp(1 / (c * c * gamma), -2 * units.c - units.mixture);
  out.gradient_norm = record.gradient_norm;
  out.final_loss = record.final_loss;
  out.loss = record.loss;
  out.w24 = -std::ldexp(c, units.c);
  // ‖V₃₁ + Γ⁻¹/c‖ / ‖Γ⁻¹/c‖ = ‖A − Γ⁻¹‖ / ‖Γ⁻¹‖ with A = −c V₃₁
  out.preconditioner_error =
      frobenius_norm(combination(1, preconditioner(trained.model), -1, exact)) / frobenius_norm(exact);
}

// The optimum is theory's own, so that training does not judge itself; training's account counts where it is worse.
void judge_population(const trained_slice& trained, const training_problem& problem, double tolerance,
                      training_report& out) {
  const matrix& exact = problem.optimum;
  const direction_error measured = weakest_direction(preconditioner(trained.model), exact,
                                                     matrix(exact.rows(), exact.columns()), problem.directions);
  out.weakest_direction_error = std::max(measured.largest, trained.record.direction_error);
  out.converged = trained.record.converged && measured.largest <= tolerance + measured.rounding;
  out.diverged = trained.record.diverged;
}

std::unique_ptr<const trained_sequence> train_on_population(const lsa_settings& options, double tolerance,
                                                            const training_problem& problem,
                                                            const std::stop_token& stop) {
  auto out = std::make_unique<trained_lsa>(options.roll_out, problem.tasks.dimension());
  const double c = options.descent.c;
  const training_units units{.c = std::ilogb(c), .mixture = problem.mixture_unit};
  const blas_threads scope(problem.blas_threads);
  const task_mixture tasks = problem.tasks.scaled(-units.mixture);
  const prompt_moments m = moments(tasks, problem.n);
  descent_options descent = options.descent;
  descent.c = std::ldexp(c, -units.c);
  if (descent.step_size) descent.step_size = units.steps_to_own(*descent.step_size);
  const trained_slice trained = options.training == training_method::closed_form
                                    ? closed_form(m, problem.optimum, descent.c, problem.record_steps)
                                    : descend(m, descent, problem.record_steps, stop);
  report_population(trained, problem, tasks, units, out->report());
  judge_population(trained, problem, tolerance, out->report());
  out->slice = {.c = c, .v31 = times_power_of_two(trained.model.v31, -units.c - units.mixture)};
  out->map = times_power_of_two(preconditioner(trained.model), problem.target_unit - units.mixture);
  return out;
}

std::unique_ptr<const trained_sequence> train_on_samples(const lsa_settings& given, const training_problem& problem,
                                                         const std::stop_token& stop) {
  auto out = std::make_unique<trained_lsa>(given.roll_out, problem.tasks.dimension());
  lsa_options options = given.samples;
  begin_with_initial(problem, options);
  const matrix exact = times_power_of_two(problem.optimum, -problem.mixture_unit);
  const auto steps = problem.recorded_within(options.steps);
  lsa_training trained = train_lsa(problem.tasks, problem.n, options, problem.key, exact, steps, stop);
  const lsa_record& record = trained.record;
  training_report& report = out->report();
  report = report_of(record, options);
  report.distance = record.preconditioner_distance;
  report.off_slice = record.off_slice;
  report.weakest_direction_error = weakest_direction(effective_preconditioner(trained.model), exact,
                                                     record.initial_preconditioner, problem.directions)
                                       .largest;
  report.w24 = record.w24;
  report.preconditioner_error = record.final_preconditioner_distance;
  out->general = std::move(trained.model);
  return out;
}

}  // namespace

std::unique_ptr<const trained_sequence> lsa::train(const training_problem& problem, const std::stop_token& stop) const {
  if (learns_from_samples()) return train_on_samples(settings_, problem, stop);
  return train_on_population(settings_, map_tolerance(), problem, stop);
}

}  // namespace cotscale::architectures
