#include "cotscale/train/gpt2.hpp"

#include <algorithm>
#include <chrono>
#include <limits>

#include "cotscale/base/error.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/train/learning.hpp"
#include "gpt2_samples.hpp"
#include "loop.hpp"

namespace cotscale {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

void require_valid(const gpt2_options& o, const gpt2_layout& layout) {
  expects(o.steps >= 0 && o.batch >= 1, "train_gpt2: steps = {}, batch = {}", o.steps, o.batch);
  expects(o.prefix_weight >= 0, "train_gpt2: prefix_weight = {}", o.prefix_weight);
  expects(o.given.empty() || o.given.size() == layout.size(), "train_gpt2: {} given parameters for {}", o.given.size(),
          layout.size());
  require_valid(o.dimension, "the dimension");
  require_valid(o.examples, "n");
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

gpt2_configuration trained_configuration(int d, int n, const gpt2_options& options) {
  return {.d = d,
          .size = options.size,
          .examples = n,
          .chain = std::max(options.room, options.objective->longest_chain()),
          .positions = options.positions,
          .weights = options.weights};
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
  detail::gpt2_samples model(layout, tasks, n, options, key);
  learner<float> learning(model, options, key, stop);
  training_state<float> state = learning.beginning();
  gpt2_record out;
  out.loss.assign(record_steps.size(), nan);
  const loop_record done = learning.run(state, record_steps, [&](std::size_t i, double loss) { out.loss[i] = loss; });
  out.steps = done.steps;
  out.final_loss = done.final_loss;
  out.seconds = seconds_since(start);
  out.tokens_per_second = done.tokens / out.seconds;
  out.diverged = learning.diverged(done, state);
  return {.model = {.configuration = layout.configuration(), .parameters = std::move(state.parameters)},
          .record = std::move(out)};
}

}  // namespace cotscale
