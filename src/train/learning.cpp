#include "cotscale/train/learning.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "cotscale/base/error.hpp"
#include "cotscale/base/parallel.hpp"
#include "cotscale/base/stop.hpp"
#include "divergence.hpp"
#include "loop.hpp"
#include "ordered_sum.hpp"

namespace cotscale {
namespace {

template<class T>
bool is_finite(const std::vector<T>& values) {
  return std::all_of(values.begin(), values.end(), [](T x) { return std::isfinite(x); });
}

}  // namespace

// ---- a batch ----

template<class T>
class learner<T>::batch {
 public:
  batch(trainable<T>& model, const learning_options& options, stream_key key)
      : model_(model),
        lengths_(*options.objective, options.chain, key),
        losses_(static_cast<std::size_t>(model.shards())),
        sum_(model.size(), [&model] { return model.blank_gradient(); }) {}

  // Loss, and its gradient in gradient(), at batch t.
  double evaluate(std::int64_t t, std::span<const T> parameters, const std::stop_token& stop) {
    sum_.start();
    model_.prepare(parameters);
    const int k = lengths_.at(t);
    parallel_for(model_.shards(), [&](int shard) {
      std::unique_ptr<partial_gradient<T>> gradient = sum_.take();
      losses_[static_cast<std::size_t>(shard)] = model_.gradient(shard, t, k, *gradient, stop);
      sum_.add(shard, std::move(gradient));
    });
    tokens_ += model_.tokens(t, k);
    return std::accumulate(losses_.begin(), losses_.end(), 0.0);
  }

  // Of every prompt of batch t.
  void losses(std::int64_t t, std::span<const T> parameters, const std::stop_token& stop, std::span<prompt_loss> out) {
    model_.prepare(parameters);
    const int k = lengths_.at(t);
    parallel_for(model_.shards(), [&](int shard) { model_.losses(shard, t, k, out, stop); });
  }

  std::span<T> gradient() { return sum_.total(); }
  double tokens() const { return tokens_; }

 private:
  trainable<T>& model_;
  detail::chain_lengths lengths_;
  std::vector<double> losses_;
  detail::ordered_sum<T> sum_;
  double tokens_ = 0;
};

// ---- the loop ----

template<class T>
learner<T>::learner(trainable<T>& model, const learning_options& options, stream_key key, std::stop_token stop)
    : model_(model),
      options_(options),
      stop_(std::move(stop)),
      tensors_(model.tensors()),
      batch_(std::make_unique<batch>(model, options, key)) {
  require_valid(options.optimizer);
  require_valid(options.chain, "the chain");
}

template<class T>
learner<T>::~learner() = default;

template<class T>
training_state<T> learner<T>::beginning() const {
  return {.parameters = model_.initial(),
          .moments = initial_state<T>(options_.optimizer, model_.size()),
          .step = 0,
          .final_loss = 0};
}

template<class T>
loop_record learner<T>::run(training_state<T>& state, std::span<const std::int64_t> record_steps,
                            const loss_observer& record) {
  expects(state.parameters.size() == model_.size() && state.step >= 0 && state.step <= options_.steps,
          "learner: {} parameters for {}, step {} of {}", state.parameters.size(), model_.size(), state.step,
          options_.steps);
  const std::int64_t steps = options_.steps, averaged = std::max<std::int64_t>(1, steps / 20);
  auto next = static_cast<std::size_t>(std::lower_bound(record_steps.begin(), record_steps.end(), state.step) -
                                       record_steps.begin());
  bool finite = true;
  for (;; ++state.step) {
    throw_if_stopped(stop_);
    const std::int64_t t = state.step;
    const bool recorded = next < record_steps.size() && record_steps[next] == t;
    if (t == steps && !recorded) break;
    const double loss = batch_->evaluate(t, state.parameters, stop_);
    if (recorded) record(next++, loss);
    finite = std::isfinite(loss);
    if (t == steps || !finite) break;
    if (t >= steps - averaged) state.final_loss += loss / static_cast<double>(averaged);
    clip(batch_->gradient(), options_.optimizer.clip_norm);
    take_step<T>(options_.optimizer, tensors_, rate_at(options_.optimizer, t, steps), batch_->gradient(),
                 state.parameters, state.moments);
  }
  loop_record out{.finite = finite && is_finite(state.parameters),
                  .steps = state.step,
                  .final_loss = state.final_loss,
                  .tokens = batch_->tokens()};
  if (!out.finite || steps == 0) out.final_loss = std::numeric_limits<double>::quiet_NaN();
  return out;
}

// ---- the verdict ----

// Of the prompts of the batches after the last.
template<class T>
std::vector<prompt_loss> learner<T>::fresh_losses(std::span<const T> parameters) {
  const auto size = static_cast<std::size_t>(options_.batch);
  std::vector<prompt_loss> out(
      size * static_cast<std::size_t>(detail::verdict_batches(options_.batch, options_.fresh_prompts)));
  for (std::size_t i = 0; i * size < out.size(); ++i) {
    const std::int64_t t = options_.steps + static_cast<std::int64_t>(i);
    batch_->losses(t, parameters, stop_, std::span(out).subspan(i * size, size));
  }
  return out;
}

template<class T>
bool learner<T>::diverged(const loop_record& done, const training_state<T>& state) {
  if (!done.finite) return true;
  return detail::has_diverged(fresh_losses(state.parameters), [&] { return fresh_losses(model_.initial()); });
}

template class learner<float>;
template class learner<double>;

}  // namespace cotscale
