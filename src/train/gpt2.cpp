#include "cotscale/train/gpt2.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>

#include "cotscale/base/error.hpp"
#include "cotscale/base/parallel.hpp"
#include "cotscale/nn/workspaces.hpp"
#include "cotscale/train/gpt2_objective.hpp"
#include "loop.hpp"

namespace cotscale {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// ---- the gradient of a batch ----

// Sums gradients in the order of their shards, as far as they have arrived; those that came early wait.
class ordered_sum {
 public:
  using gradient = std::vector<float>;

  explicit ordered_sum(std::size_t size) : total_(size), memory_([size] { return std::make_unique<gradient>(size); }) {}

  void start() {
    next_ = 0;
    std::fill(total_.begin(), total_.end(), 0.0F);
  }

  std::unique_ptr<gradient> blank() {
    std::unique_ptr<gradient> out = memory_.take();
    std::fill(out->begin(), out->end(), 0.0F);
    return out;
  }

  // The thread that brings the next one adds all that can be added; others go on.
  void add(int shard, std::unique_ptr<gradient> part) {
    std::unique_lock lock(mutex_);
    waiting_.emplace(shard, std::move(part));
    if (adding_) return;
    adding_ = true;
    while (!waiting_.empty() && waiting_.begin()->first == next_) {
      std::unique_ptr<gradient> first = std::move(waiting_.extract(waiting_.begin()).mapped());
      lock.unlock();
      for (std::size_t i = 0; i < total_.size(); ++i) total_[i] += (*first)[i];
      memory_.give_back(std::move(first));
      lock.lock();
      ++next_;
    }
    adding_ = false;
  }

  std::span<float> total() { return total_; }

 private:
  std::vector<float> total_;
  nn::workspaces<gradient> memory_;
  std::mutex mutex_;
  std::map<int, std::unique_ptr<gradient>> waiting_;
  int next_ = 0;
  bool adding_ = false;
};

int round_up(int dividend, int divisor) { return (dividend + divisor - 1) / divisor; }

// Prompts in shards, whose number depends on the batch and the model only.
class batch {
 public:
  batch(const gpt2_layout& layout, const task_mixture& tasks, int n, const gpt2_options& options, stream_key key)
      : options_(options),
        prompts_(gpt2_training_prompts(tasks, n, key)),
        lengths_(options.objective, key),
        per_shard_(round_up(options.batch, gpt2_most_shards(layout.size()))),
        losses_(static_cast<std::size_t>(round_up(options.batch, per_shard_))),
        sum_(layout.size()),
        workers_([layout] { return std::make_unique<worker>(layout); }) {}

  // Loss, and its gradient in gradient(), at batch t.
  double evaluate(std::int64_t t, std::span<const float> parameters, const std::stop_token& stop) {
    sum_.start();
    const int k = lengths_.at(t);
    parallel_for(static_cast<int>(losses_.size()), [&](int s) { evaluate_shard(s, t, k, parameters, stop); });
    tokens_ += static_cast<double>(options_.batch) * (2 * options_.examples.at(t, prompts_.examples()) + k);
    return std::accumulate(losses_.begin(), losses_.end(), 0.0);
  }

  // Of every prompt of batch t.
  void losses(std::int64_t t, std::span<const float> parameters, const std::stop_token& stop,
              std::span<prompt_loss> out) {
    const int k = lengths_.at(t);
    parallel_for(static_cast<int>(losses_.size()), [&](int s) {
      std::unique_ptr<worker> here = workers_.take();
      for_portions(s, t, k, stop, *here, [&](int first) {
        here->objective.losses(options_.objective, k, parameters, here->prompts,
                               out.subspan(static_cast<std::size_t>(first)));
      });
      workers_.give_back(std::move(here));
    });
  }

  std::span<float> gradient() { return sum_.total(); }
  double tokens() const { return tokens_; }

 private:
  struct worker {
    explicit worker(const gpt2_layout& layout) : objective(layout) {}
    gpt2_objective<float> objective;
    std::vector<prompt> prompts;
  };

  // Prompts that go forward and backward together: few enough for the cache, but a step of a chain loads all weights.
  int prompts_at_once(int tokens) const {
    constexpr int rows = 704, most = 64;
    const bool chain = options_.objective.kind == objective::rollout || options_.objective.kind == objective::outcome;
    return std::clamp(chain ? most : rows / tokens, 1, per_shard_);
  }

  // Draws the prompts of a shard, portion by portion, and calls body(number of the portion's first prompt) for each.
  template<class Body>
  void for_portions(int s, std::int64_t t, int k, const std::stop_token& stop, worker& here, const Body& body) {
    const int d = options_.dimension.at(t, prompts_.dimension()), n = options_.examples.at(t, prompts_.examples());
    const int at_once = prompts_at_once(2 * n + k);
    const int last = std::min(options_.batch, (s + 1) * per_shard_);
    for (int first = s * per_shard_; first < last; first += at_once) {
      throw_if_stopped(stop);
      here.prompts.resize(static_cast<std::size_t>(std::min(at_once, last - first)));
      for (std::size_t i = 0; i < here.prompts.size(); ++i) {
        const std::int64_t step = options_.fresh_prompts ? t : 0;
        prompts_.draw(static_cast<std::uint64_t>(step * options_.batch + first) + i, d, n, here.prompts[i]);
      }
      body(first);
    }
  }

  void evaluate_shard(int s, std::int64_t t, int k, std::span<const float> parameters, const std::stop_token& stop) {
    std::unique_ptr<worker> here = workers_.take();
    std::unique_ptr<std::vector<float>> gradient = sum_.blank();
    double loss = 0;
    for_portions(s, t, k, stop, *here, [&](int) {
      loss += here->objective.add(options_.objective, k, parameters, here->prompts, 1.0 / options_.batch, *gradient);
    });
    losses_[static_cast<std::size_t>(s)] = loss;
    workers_.give_back(std::move(here));
    sum_.add(s, std::move(gradient));
  }

  const gpt2_options& options_;
  mixture_prompts prompts_;
  detail::chain_lengths lengths_;
  int per_shard_;
  std::vector<double> losses_;
  ordered_sum sum_;
  nn::workspaces<worker> workers_;
  double tokens_ = 0;
};

// ---- the loop ----

void require_valid(const gpt2_options& o, const gpt2_layout& layout) {
  expects(o.steps >= 0 && o.batch >= 1 && o.objective.k_train >= 1, "train_gpt2: steps = {}, batch = {}, k_train = {}",
          o.steps, o.batch, o.objective.k_train);
  expects(o.given.empty() || o.given.size() == layout.size(), "train_gpt2: {} given parameters for {}", o.given.size(),
          layout.size());
  require_valid(o.dimension, "the dimension");
  require_valid(o.examples, "n");
}

// Parameters on their way.
class run {
 public:
  run(const gpt2_layout& layout, const task_mixture& tasks, int n, const gpt2_options& options, stream_key key,
      const std::stop_token& stop)
      : options_(options),
        stop_(stop),
        initial_([layout, key, &options] { return options.given.empty() ? initial_gpt2(layout, key) : options.given; }),
        parameters_(initial_()),
        batch_(layout, tasks, n, options, key),
        optimizer_(options.optimizer, layout.size()) {}

  double loss(std::int64_t t) { return batch_.evaluate(t, parameters_, stop_); }

  // With the gradient of the last loss.
  void update(std::int64_t t) {
    clip(batch_.gradient(), options_.optimizer.clip_norm);
    optimizer_.update(rate_at(options_.optimizer, t, options_.steps), batch_.gradient(), parameters_);
  }

  const std::vector<float>& parameters() const { return parameters_; }
  std::vector<float> initial() const { return initial_(); }
  bool finite() const { return detail::is_finite<float>(parameters_); }

  // Of the prompts of the batches after the last.
  std::vector<prompt_loss> losses(std::span<const float> parameters) {
    const auto size = static_cast<std::size_t>(options_.batch);
    std::vector<prompt_loss> out(
        size * static_cast<std::size_t>(detail::verdict_batches(options_.batch, options_.fresh_prompts)));
    for (std::size_t i = 0; i * size < out.size(); ++i) {
      const std::int64_t t = options_.steps + static_cast<std::int64_t>(i);
      batch_.losses(t, parameters, stop_, std::span(out).subspan(i * size, size));
    }
    return out;
  }

  double tokens() const { return batch_.tokens(); }

 private:
  const gpt2_options& options_;
  const std::stop_token& stop_;
  std::function<std::vector<float>()> initial_;  // drawn again when it is asked for
  std::vector<float> parameters_;
  batch batch_;
  basic_optimizer<float> optimizer_;
};

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

gpt2_configuration trained_configuration(int d, int n, const gpt2_options& options) {
  return {.d = d, .size = options.size, .examples = n, .chain = longest_chain(options.objective)};
}

int gpt2_most_shards(std::size_t parameters) {
  constexpr std::size_t large = 1'000'000;
  return parameters > large ? 8 : 16;
}

mixture_prompts gpt2_training_prompts(const task_mixture& tasks, int n, stream_key key) {
  return {tasks, n, detail::derived_key("GPT-2 training prompts", key)};
}

gpt2_training train_gpt2(const task_mixture& tasks, int n, const gpt2_options& options, stream_key key,
                         std::span<const std::int64_t> record_steps, const std::stop_token& stop) {
  const auto start = std::chrono::steady_clock::now();
  const gpt2_layout layout(trained_configuration(tasks.dimension(), n, options));
  require_valid(options, layout);
  const blas_threads one(1);  // also in a lone shard, which runs outside of a parallel region
  run training(layout, tasks, n, options, key, stop);
  gpt2_record out;
  out.loss.assign(record_steps.size(), nan);
  const auto record = [&](std::size_t i, double loss) { out.loss[i] = loss; };
  const detail::loop_record done = detail::repeat_updates(training, options.steps, record_steps, record, stop);
  out.steps = done.steps;
  out.final_loss = done.final_loss;
  out.seconds = seconds_since(start);
  out.tokens_per_second = training.tokens() / out.seconds;
  out.diverged = detail::judge(
      done, [&](bool initial) { return training.losses(initial ? training.initial() : training.parameters()); });
  return {.model = {.configuration = layout.configuration(), .parameters = training.parameters()},
          .record = std::move(out)};
}

}  // namespace cotscale
