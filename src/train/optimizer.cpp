#include "cotscale/train/optimizer.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "cotscale/base/error.hpp"
#include "cotscale/base/parallel.hpp"
#include "cotscale/linalg/blas.hpp"

namespace cotscale {
namespace {

bool is_adam(update_rule rule) { return rule == update_rule::adam || rule == update_rule::adamw; }

void require(bool holds, const char* rule, double value) {
  if (!holds) throw specification_error(fmt::format("the optimiser needs {}, not {}", rule, value));
}

// Parameters are updated in blocks of fixed size, each as a thread of its own if there are many.
constexpr std::size_t block_size = std::size_t{1} << 16;

std::size_t blocks_of(std::size_t size) { return (size + block_size - 1) / block_size; }

// body(block, first, count)
template<class F>
void for_blocks(std::size_t size, const F& body) {
  parallel_for(static_cast<int>(blocks_of(size)), [&](int i) {
    const auto block = static_cast<std::size_t>(i);
    body(block, block * block_size, std::min(block_size, size - block * block_size));
  });
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

double clip(std::span<float> gradient, double limit) {
  std::vector<double> squares(blocks_of(gradient.size()));
  for_blocks(gradient.size(), [&](std::size_t block, std::size_t first, std::size_t count) {
    for (const float g : gradient.subspan(first, count)) squares[block] += double{g} * double{g};
  });
  const double length = std::sqrt(std::accumulate(squares.begin(), squares.end(), 0.0));
  if (limit > 0 && length > limit) {
    const auto factor = static_cast<float>(limit / length);
    for (float& g : gradient) g *= factor;
  }
  return length;
}

template<class T>
basic_optimizer<T>::basic_optimizer(const optimizer_options& options, std::size_t size) : options_(options) {
  require_valid(options);
  if (options.rule != update_rule::gd) mean_.resize(size);
  if (is_adam(options.rule)) square_.resize(size);
}

template<class T>
void basic_optimizer<T>::update(double rate, std::span<const T> gradient, std::span<T> parameters) {
  expects(gradient.size() == parameters.size() && (mean_.empty() || mean_.size() == gradient.size()),
          "optimizer: {} derivatives for {} parameters", gradient.size(), parameters.size());
  ++updates_;
  for_blocks(parameters.size(), [&](std::size_t, std::size_t first, std::size_t count) {
    update_block(rate, first, gradient.subspan(first, count), parameters.subspan(first, count));
  });
}

template<class T>
void basic_optimizer<T>::update_block(double rate, std::size_t first, std::span<const T> gradient,
                                      std::span<T> parameters) {
  const T step = static_cast<T>(rate), memory = static_cast<T>(options_.momentum);
  switch (options_.rule) {
    case update_rule::gd:
      for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i] -= step * gradient[i];
      return;
    case update_rule::sgd:
      for (std::size_t i = 0; i < parameters.size(); ++i) {
        T& mean = mean_[first + i];
        mean = memory * mean + gradient[i];
        parameters[i] -= step * mean;
      }
      return;
    case update_rule::adam:
    case update_rule::adamw:
      update_adam(rate, first, gradient, parameters);
  }
}

// m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g², p ← p − η (m/(1 − β₁ᵗ))/(√(v/(1 − β₂ᵗ)) + ε)
template<class T>
void basic_optimizer<T>::update_adam(double rate, std::size_t first, std::span<const T> gradient,
                                     std::span<T> parameters) {
  const T b1 = static_cast<T>(options_.beta1), b2 = static_cast<T>(options_.beta2);
  const T rest1 = static_cast<T>(1 - options_.beta1), rest2 = static_cast<T>(1 - options_.beta2);
  const T step = static_cast<T>(rate / (1 - std::pow(options_.beta1, static_cast<double>(updates_))));
  const T correction = static_cast<T>(1 / std::sqrt(1 - std::pow(options_.beta2, static_cast<double>(updates_))));
  const T keep = static_cast<T>(options_.rule == update_rule::adamw ? 1 - rate * options_.weight_decay : 1);
  const T epsilon = static_cast<T>(options_.epsilon);
  const T* __restrict g = gradient.data();
  T* __restrict p = parameters.data();
  T* __restrict mean = mean_.data() + first;
  T* __restrict square = square_.data() + first;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    mean[i] = b1 * mean[i] + rest1 * g[i];
    square[i] = b2 * square[i] + rest2 * g[i] * g[i];
    p[i] = keep * p[i] - step * mean[i] / (std::sqrt(square[i]) * correction + epsilon);
  }
}

template class basic_optimizer<float>;
template class basic_optimizer<double>;

}  // namespace cotscale
