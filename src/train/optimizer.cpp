#include "cotscale/train/optimizer.hpp"

#include <cmath>
#include <numeric>

#include "cotscale/base/error.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/train/optimizer_part.hpp"
#include "optimizers/blocks.hpp"

namespace cotscale {
namespace {

void require(bool holds, const char* rule, double value) {
  if (!holds) throw specification_error(fmt::format("the optimiser needs {}, not {}", rule, value));
}

}  // namespace

void require_valid(const optimizer_options& o) {
  require(o.learning_rate > 0 && std::isfinite(o.learning_rate), "a learning rate > 0", o.learning_rate);
  require(o.warm_up >= 0, "a warm-up ≥ 0", static_cast<double>(o.warm_up));
  require(o.clip_norm >= 0, "a clipping norm ≥ 0", o.clip_norm);
}

double rate_at(const optimizer_options& options, std::int64_t step, std::int64_t steps) {
  expects(step >= 0 && step < steps, "rate_at: step {} of {}", step, steps);
  if (step < options.warm_up) {
    return options.learning_rate * static_cast<double>(step + 1) / static_cast<double>(options.warm_up);
  }
  const double x = static_cast<double>(step - options.warm_up) / static_cast<double>(steps - options.warm_up);
  return options.learning_rate * options.schedule->share(x);
}

double clip(std::span<double> gradient, double limit) {
  const double length = norm(gradient);
  if (limit > 0 && length > limit) {
    for (double& g : gradient) g *= limit / length;
  }
  return length;
}

double clip(std::span<float> gradient, double limit) {
  std::vector<double> squares(optimizers::blocks_of(gradient.size()));
  optimizers::for_blocks(gradient.size(), [&](std::size_t block, std::size_t first, std::size_t count) {
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
optimizer_state<T> initial_state(const optimizer_options& options, std::size_t size) {
  require_valid(options);
  const int moments = options.rule->moments();
  optimizer_state<T> out;
  if (moments > 0) out.mean.resize(size);
  if (moments > 1) out.square.resize(size);
  return out;
}

template<class T>
void take_step(const optimizer_options& options, std::span<const learning_tensor> tensors, double rate,
               std::span<const T> gradient, std::span<T> parameters, optimizer_state<T>& state) {
  const update_rule& rule = *options.rule;
  expects(gradient.size() == parameters.size() && (rule.moments() == 0 || state.mean.size() == gradient.size()),
          "optimizer: {} derivatives for {} parameters, a state for {}", gradient.size(), parameters.size(),
          state.mean.size());
  ++state.updates;
  rule.step(optimizer_step<T>{tensors, rate, options.learning_rate, gradient, parameters, state});
}

template optimizer_state<float> initial_state(const optimizer_options&, std::size_t);
template optimizer_state<double> initial_state(const optimizer_options&, std::size_t);
template void take_step(const optimizer_options&, std::span<const learning_tensor>, double, std::span<const float>,
                        std::span<float>, optimizer_state<float>&);
template void take_step(const optimizer_options&, std::span<const learning_tensor>, double, std::span<const double>,
                        std::span<double>, optimizer_state<double>&);

}  // namespace cotscale
