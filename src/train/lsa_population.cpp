#include "cotscale/train/lsa_population.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "cotscale/base/error.hpp"
#include "cotscale/base/stop.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/train/descent_path.hpp"

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
  const double twice = model.v31.rows() + inner(model.v31, gradient) + model.c * inner(model.v31, moments.mean);
  return 0.5 * moments.copies * twice;
}

lsa_slice slice_of(const matrix& preconditioner, double c) {
  return {.c = c, .v31 = combination(-1 / c, preconditioner, 0, preconditioner)};
}

// The first of 0 … most at which a condition holds, which then goes on holding; `most` if there is none.
template<class Condition>
std::int64_t first(const Condition& holds, std::int64_t most) {
  if (holds(0)) return 0;
  std::int64_t below = 0, above = 1;
  while (above < most && !holds(above)) {
    below = above;
    above = above > most / 2 ? most : 2 * above;
  }
  above = std::min(above, most);
  while (above - below > 1) {
    const std::int64_t middle = below + (above - below) / 2;
    (holds(middle) ? above : below) = middle;
  }
  return above;
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
  descent_path path(moments, options.c);
  trained_slice out;
  training_record& record = out.record;
  record.step_size = path.set_step_size(options.step_size);
  const auto near = [&](std::int64_t t) {
    throw_if_stopped(stop);
    return path.direction_error(t) <= options.tolerance;
  };
  const auto too_large = [&](std::int64_t t) { return !path.finite(t); };
  record.diverged = options.max_steps > 0 && path.grows();
  record.steps = record.diverged ? first(too_large, options.max_steps) : first(near, options.max_steps);
  if (record.diverged && record.steps > 1 && too_large(record.steps)) --record.steps;
  record.direction_error = path.direction_error(record.steps);
  record.converged = record.direction_error <= options.tolerance;
  record.gradient_norm = path.gradient_norm(record.steps);
  record.final_loss = path.loss(record.steps);
  record.loss.assign(loss_steps.size(), nan);
  for (std::size_t i = 0; i < loss_steps.size() && loss_steps[i] <= record.steps; ++i) {
    record.loss[i] = path.loss(loss_steps[i]);
  }
  out.model = slice_of(path.preconditioner(record.steps), options.c);
  return out;
}

trained_slice closed_form(const prompt_moments& moments, const matrix& optimum, double c,
                          std::span<const std::int64_t> loss_steps) {
  expects(c != 0, "closed_form: c must not be zero, got {}", c);
  trained_slice out{.model = slice_of(optimum, c), .record = {}};
  const double error = moments.spectrum ? 0 : descent_path(moments, c).residual_error(optimum);
  out.record = {.converged = error <= closed_form_tolerance,
                .diverged = false,
                .steps = 0,
                .step_size = nan,
                .direction_error = error,
                .gradient_norm = frobenius_norm(population_gradient(out.model, moments)) /
                                 (std::abs(c) * frobenius_norm(moments.mean)),
                .final_loss = population_loss(out.model, moments),
                .loss = std::vector<double>(loss_steps.size(), nan)};
  if (!loss_steps.empty()) out.record.loss.front() = out.record.final_loss;
  return out;
}

}  // namespace cotscale
