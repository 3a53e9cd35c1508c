#include "cotscale/train/lsa_objective.hpp"

#include <algorithm>
#include <iterator>

#include "cotscale/base/error.hpp"

namespace cotscale {
namespace {

void set_zero(matrix& a) { std::fill_n(a.data(), a.size(), 0.0); }

// r = o − (0, 0, target, 1) in rows first … last − 1 of the first `prompts` lanes: bar = weight·r there, 0 elsewhere;
// returns weight·½‖r‖².
double residual(const matrix& o, const matrix& target, int first, int last, int prompts, double weight, matrix& bar) {
  const lsa_rows rows{target.rows()};
  double sum = 0;
  bar.reshape(o.rows(), lane_count);
  set_zero(bar);
  for (int i = first; i < last; ++i) {
    const bool is_weight = i >= rows.weight() && i < rows.flag();
    for (int lane = 0; lane < prompts; ++lane) {
      const double expected = is_weight ? target(i - rows.weight(), lane) : (i == rows.flag() ? 1 : 0);
      const double r = o(i, lane) - expected;
      bar(i, lane) = weight * r;
      sum += r * r;
    }
  }
  return 0.5 * weight * sum;
}

}  // namespace

double objective_lanes::add(const training_objective& objective, int k, const lsa_parameters& parameters,
                            const lsa_parameters& transposed, const prompt_lanes& prompt, int prompts, double weight,
                            lsa_gradient_sum& gradient) {
  expects(k >= 1 && prompts >= 1 && prompts <= lane_count && k <= objective.longest_chain(),
          "objective_lanes: k = {}, prompts = {}", k, prompts);
  forward(objective, k, parameters, prompt);
  const double loss = residuals(objective, k, prompt, prompts, weight);
  chain_.backward(transposed, objective.form().through_tokens, o_bar_, gradient);
  return loss;
}

void objective_lanes::losses(const training_objective& objective, int k, const lsa_parameters& parameters,
                             const prompt_lanes& prompt, int prompts, std::span<prompt_loss> out) {
  expects(k >= 1 && prompts >= 1 && prompts <= lane_count && std::ssize(out) >= prompts,
          "objective_lanes: k = {}, prompts = {}, room for {}", k, prompts, out.size());
  forward(objective, k, parameters, prompt);
  residuals(objective, k, prompt, prompts, 1);
  // Of o − target the residuals are 1/k times, but for the lone one that counts.
  const objective_form form = objective.form();
  const double steps = form.last_estimate ? 1 : k;
  std::fill_n(out.begin(), prompts, prompt_loss{});
  set_zero(target_);
  for (int i = 0; i < k; ++i) {
    const matrix& bar = o_bar_[static_cast<std::size_t>(i)];
    if (form.taught) next_target(*form.taught, prompt);
    const matrix& target = form.taught ? target_ : prompt.w;
    const bool counts = !form.last_estimate || i == k - 1;
    for (int lane = 0; lane < prompts; ++lane) {
      prompt_loss& loss = out[static_cast<std::size_t>(lane)];
      for (int r = 0; r < bar.rows(); ++r) loss.model += 0.5 * steps * bar(r, lane) * bar(r, lane);
      for (int r = 0; counts && r < target.rows(); ++r) loss.zero += 0.5 / steps * target(r, lane) * target(r, lane);
    }
  }
}

void objective_lanes::forward(const training_objective& objective, int k, const lsa_parameters& parameters,
                              const prompt_lanes& prompt) {
  const lsa_rows rows{prompt.w.rows()};
  target_.reshape(rows.d, lane_count);
  set_zero(target_);  // w_0
  const objective_form form = objective.form();
  chain_.start(prompt);
  token_ = chain_.token(0);
  for (int i = 0;; ++i) {
    const matrix& output = chain_.apply(parameters);
    if (i == k - 1) return;
    if (form.taught) {
      next_target(*form.taught, prompt);
      std::copy_n(target_.data(), target_.size(), &token_(rows.weight(), 0));
      chain_.append(token_);
    } else {
      chain_.append(output);
    }
  }
}

double objective_lanes::residuals(const training_objective& objective, int k, const prompt_lanes& prompt, int prompts,
                                  double weight) {
  const lsa_rows rows{prompt.w.rows()};
  const objective_form form = objective.form();
  if (o_bar_.size() < static_cast<std::size_t>(k)) o_bar_.resize(static_cast<std::size_t>(k));
  double loss = 0;
  set_zero(target_);
  for (int i = 0; i < k; ++i) {
    matrix& bar = o_bar_[static_cast<std::size_t>(i)];
    if (form.taught) next_target(*form.taught, prompt);
    const matrix& target = form.taught ? target_ : prompt.w;
    if (form.last_estimate) {
      const int counted = i == k - 1 ? rows.flag() : rows.weight();  // no rows before the last step
      loss += residual(chain_.output(i), target, rows.weight(), counted, prompts, weight, bar);
    } else {
      loss += residual(chain_.output(i), target, 0, rows.count(), prompts, weight / k, bar);
    }
  }
  return loss;
}

// w_i ← w_{i+1}
void objective_lanes::next_target(const taught_chain& taught, const prompt_lanes& prompt) {
  change_.reshape(target_.rows(), lane_count);
  for (std::size_t i = 0; i < target_.size(); ++i) change_.data()[i] = prompt.w.data()[i] - target_.data()[i];
  if (taught.targets == process_targets::gradient_descent) {
    multiply_covariance(prompt, change_, scratch_, change_);  // Xy/m − Ŝ w_i
    for (std::size_t i = 0; i < prompt.noise.size(); ++i) change_.data()[i] += prompt.noise.data()[i];
  }
  for (std::size_t i = 0; i < target_.size(); ++i) target_.data()[i] += taught.eta * change_.data()[i];
}

}  // namespace cotscale
