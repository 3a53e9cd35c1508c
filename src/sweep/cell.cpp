#include "cotscale/sweep/cell.hpp"

#include <cmath>
#include <limits>

#include "cotscale/eval/roll_out.hpp"
#include "cotscale/eval/statistics.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/theory/closed_forms.hpp"
#include "cotscale/train/population.hpp"

namespace cotscale {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

trained_slice train(const model_specification& model, const covariance& lambda, const cell& c, const coordinates& grid,
                    const std::stop_token& stop) {
  const prompt_moments m = moments(lambda, static_cast<int>(c.n));
  if (model.training == training_method::closed_form) return closed_form(m, model.c, grid.training_steps);
  const descent_options options{
      .c = model.c, .tolerance = model.tolerance, .max_steps = model.max_steps, .step_size = model.step_size};
  return descend(m, options, grid.training_steps, stop);
}

void store_training(const trained_slice& trained, const matrix& exact, const covariance& lambda, std::int64_t n,
                    cell_result& out) {
  const training_record& record = trained.record;
  const double c = trained.model.c;
  out.training_steps = record.steps;
  out.step_size = record.step_size;
  out.step_size_paper =
      1 / (c * c * gamma_eigenvalue(lambda.largest_eigenvalue(), lambda.trace(), static_cast<double>(n)));
  out.gradient_norm = record.gradient_norm;
  out.final_loss = record.final_loss;
  out.training_loss = record.loss;
  out.converged = record.converged ? 1 : 0;
  // ‖V₃₁ + Γ⁻¹/c‖ / ‖Γ⁻¹/c‖ = ‖A − Γ⁻¹‖ / ‖Γ⁻¹‖ with A = −c V₃₁
  out.preconditioner_error =
      frobenius_norm(combination(1, preconditioner(trained.model), -1, exact)) / frobenius_norm(exact);
}

void store_limits(const specification& spec, const cell& c, const matrix& exact, const covariance& lambda,
                  const covariance& sigma, cell_result& out) {
  out.theory_limit = limit_errors(exact, sigma, spec.steps);
  const bool matched = lambda.values() == sigma.values();
  out.theory_bound = matched ? matched_bounds(spec.d, static_cast<int>(c.n), sigma.hardness(), spec.steps)
                             : std::vector<double>(static_cast<std::size_t>(spec.steps) + 1, nan);
}

// The exact expectation of the error after k steps where there is a formula, else NaN.
double exact_error(const specification& spec, const matrix& exact, const covariance& sigma, std::int64_t m, int k) {
  if (k == 0) return spec.d;
  if (k == 1) return one_step_error(exact, sigma, static_cast<int>(m));
  return nan;
}

// +inf where the mean has diverged and theory has not.
double z_score(const error_statistics& measured, double theory) {
  if (std::isinf(measured.mean) && std::isfinite(theory)) return measured.mean;
  return (measured.mean - theory) / measured.standard_error;
}

roll_out make_roll_out(const model_specification& model, const lsa_slice& trained) {
  return model.roll_out == roll_out_method::definition ? lsa_definition(full_parameters(trained))
                                                       : lsa_recursion(trained);
}

}  // namespace

cell_result compute_cell(const specification& spec, const coordinates& grid, const cell& c,
                         const std::stop_token& stop) {
  const model_specification& model = spec.model_tables.at(c.model);
  const covariance sigma = target_covariance(spec, c.hardness);
  const covariance lambda = mixture_covariance(spec, c.mixture, sigma);
  const matrix exact = trained_preconditioner(lambda, static_cast<int>(c.n));

  cell_result out;
  const trained_slice trained = train(model, lambda, c, grid, stop);
  store_training(trained, exact, lambda, c.n, out);
  store_limits(spec, c, exact, lambda, sigma, out);

  const roll_out chain = make_roll_out(model, trained.model);
  for (const std::int64_t m : grid.m) {
    const prompt_source source(sigma, static_cast<int>(m), test_prompt_key(spec, c.hardness, c.repeat, m));
    error_table errors = roll_out_errors(chain, source, spec.prompts, spec.steps, stop);
    for (int k = 0; k <= spec.steps; ++k) {
      const error_statistics s = summarise(errors.at_step(k));
      const double theory = exact_error(spec, exact, sigma, m, k);
      out.error_mean.push_back(s.mean);
      out.error_stderr.push_back(s.standard_error);
      out.error_median.push_back(s.median);
      out.error_q05.push_back(s.q05);
      out.error_q95.push_back(s.q95);
      out.diverged_share.push_back(s.diverged_share);
      out.theory_error.push_back(theory);
      out.z_score.push_back(z_score(s, theory));
    }
  }
  return out;
}

}  // namespace cotscale
