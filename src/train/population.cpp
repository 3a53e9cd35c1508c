#include "cotscale/train/population.hpp"

#include <cmath>
#include <limits>

#include "cotscale/base/error.hpp"
#include "cotscale/base/stop.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/linalg/lapack.hpp"

namespace cotscale {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// gradient = c (c V E[Ŝ²] + E[Ŝ])
void gradient_into(const lsa_slice& model, const prompt_moments& moments, matrix& gradient) {
  const double c = model.c;
  gradient = moments.mean;
  multiply(c * c, model.v31, transpose::no, moments.second, transpose::no, c, gradient);
}

// With G = gradient: 2L = d + ⟨V, G⟩ + c ⟨V, E[Ŝ]⟩
double loss_from_gradient(const lsa_slice& model, const prompt_moments& moments, const matrix& gradient) {
  return 0.5 * (model.v31.rows() + inner(model.v31, gradient) + model.c * inner(model.v31, moments.mean));
}

}  // namespace

double population_loss(const lsa_slice& model, const prompt_moments& moments) {
  return loss_from_gradient(model, moments, population_gradient(model, moments));
}

matrix population_gradient(const lsa_slice& model, const prompt_moments& moments) {
  matrix gradient;
  gradient_into(model, moments, gradient);
  return gradient;
}

trained_slice descend(const prompt_moments& moments, const descent_options& options,
                      std::span<const std::int64_t> loss_steps, const std::stop_token& stop) {
  expects(options.c != 0 && options.tolerance > 0 && options.max_steps >= 0,
          "descend: c = {}, tolerance = {}, max_steps = {}", options.c, options.tolerance, options.max_steps);
  const int d = moments.mean.rows();
  trained_slice out{.model = {.c = options.c, .v31 = matrix(d, d)}, .record = {}};
  matrix& v = out.model.v31;
  training_record& record = out.record;
  record.step_size =
      options.step_size.value_or(1 / (options.c * options.c * symmetric_eigenvalues(moments.second).back()));
  record.loss.assign(loss_steps.size(), nan);

  matrix gradient;
  double first_norm = 0;
  std::size_t next_loss = 0;
  for (;; ++record.steps) {
    gradient_into(out.model, moments, gradient);
    const double norm = frobenius_norm(gradient);
    if (record.steps == 0) first_norm = norm;
    record.gradient_norm = norm / first_norm;
    if (next_loss < loss_steps.size() && loss_steps[next_loss] == record.steps) {
      record.loss[next_loss++] = loss_from_gradient(out.model, moments, gradient);
    }
    record.converged = record.gradient_norm <= options.tolerance;
    if (record.converged || record.steps == options.max_steps || !std::isfinite(norm)) break;
    throw_if_stopped(stop);
    // V ← V − η ∇L
    for (std::size_t i = 0; i < v.size(); ++i) v.data()[i] -= record.step_size * gradient.data()[i];
  }
  record.final_loss = loss_from_gradient(out.model, moments, gradient);
  return out;
}

trained_slice closed_form(const prompt_moments& moments, const matrix& optimum, double c,
                          std::span<const std::int64_t> loss_steps) {
  expects(c != 0, "closed_form: c must not be zero, got {}", c);
  trained_slice out{.model = {.c = c, .v31 = combination(-1 / c, optimum, 0, optimum)}, .record = {}};
  const double first_norm = std::abs(c) * frobenius_norm(moments.mean);
  out.record = {.converged = false,
                .steps = 0,
                .step_size = nan,
                .gradient_norm = frobenius_norm(population_gradient(out.model, moments)) / first_norm,
                .final_loss = population_loss(out.model, moments),
                .loss = std::vector<double>(loss_steps.size(), nan)};
  out.record.converged =
      out.record.gradient_norm <= 1e-8;  // false if the moments are too ill-conditioned to be inverted
  if (!loss_steps.empty()) out.record.loss.front() = out.record.final_loss;
  return out;
}

}  // namespace cotscale
