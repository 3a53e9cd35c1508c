#include "cotscale/train/optimizer.hpp"

#include <cmath>
#include <numbers>

#include "cotscale/base/error.hpp"
#include "cotscale/linalg/blas.hpp"

namespace cotscale {
namespace {

bool is_adam(update_rule rule) { return rule == update_rule::adam || rule == update_rule::adamw; }

void require(bool holds, const char* rule, double value) {
  if (!holds) throw specification_error(fmt::format("the optimiser needs {}, not {}", rule, value));
}

}  // namespace

void require_valid(const optimizer_options& o) {
  require(o.learning_rate > 0 && std::isfinite(o.learning_rate), "a learning rate > 0", o.learning_rate);
  require(o.momentum >= 0 && o.momentum < 1, "0 ≤ momentum < 1", o.momentum);
  require(o.beta1 >= 0 && o.beta1 < 1, "0 ≤ beta1 < 1", o.beta1);
  require(o.beta2 >= 0 && o.beta2 < 1, "0 ≤ beta2 < 1", o.beta2);
  require(o.epsilon > 0, "epsilon > 0", o.epsilon);
  require(o.weight_decay >= 0, "a weight decay ≥ 0", o.weight_decay);
  require(o.warm_up >= 0, "a warm-up ≥ 0", static_cast<double>(o.warm_up));
  require(o.clip_norm >= 0, "a clipping norm ≥ 0", o.clip_norm);
}

double rate_at(const optimizer_options& options, std::int64_t step, std::int64_t steps) {
  expects(step >= 0 && step < steps, "rate_at: step {} of {}", step, steps);
  if (step < options.warm_up) {
    return options.learning_rate * static_cast<double>(step + 1) / static_cast<double>(options.warm_up);
  }
  if (options.schedule == rate_schedule::constant) return options.learning_rate;
  const double x = static_cast<double>(step - options.warm_up) / static_cast<double>(steps - options.warm_up);
  return options.learning_rate * 0.5 * (1 + std::cos(std::numbers::pi * x));
}

double clip(std::span<double> gradient, double limit) {
  const double length = norm(gradient);
  if (limit > 0 && length > limit) {
    for (double& g : gradient) g *= limit / length;
  }
  return length;
}

optimizer::optimizer(const optimizer_options& options, std::size_t size) : options_(options) {
  require_valid(options);
  if (options.rule != update_rule::gd) mean_.resize(size);
  if (is_adam(options.rule)) square_.resize(size);
}

void optimizer::update(double rate, std::span<const double> gradient, std::span<double> parameters) {
  expects(gradient.size() == parameters.size() && (mean_.empty() || mean_.size() == gradient.size()),
          "optimizer: {} derivatives for {} parameters", gradient.size(), parameters.size());
  ++updates_;
  switch (options_.rule) {
    case update_rule::gd:
      for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i] -= rate * gradient[i];
      return;
    case update_rule::sgd:
      for (std::size_t i = 0; i < parameters.size(); ++i) {
        mean_[i] = options_.momentum * mean_[i] + gradient[i];
        parameters[i] -= rate * mean_[i];
      }
      return;
    case update_rule::adam:
    case update_rule::adamw:
      update_adam(rate, gradient, parameters);
  }
}

// m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g², p ← p − η (m/(1 − β₁ᵗ))/(√(v/(1 − β₂ᵗ)) + ε)
void optimizer::update_adam(double rate, std::span<const double> gradient, std::span<double> parameters) {
  const double b1 = options_.beta1;
  const double b2 = options_.beta2;
  const double step = rate / (1 - std::pow(b1, static_cast<double>(updates_)));
  const double correction = 1 / std::sqrt(1 - std::pow(b2, static_cast<double>(updates_)));
  const double keep = options_.rule == update_rule::adamw ? 1 - rate * options_.weight_decay : 1;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const double g = gradient[i];
    mean_[i] = b1 * mean_[i] + (1 - b1) * g;
    square_[i] = b2 * square_[i] + (1 - b2) * g * g;
    parameters[i] = keep * parameters[i] - step * mean_[i] / (std::sqrt(square_[i]) * correction + options_.epsilon);
  }
}

}  // namespace cotscale
