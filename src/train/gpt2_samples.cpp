#include "gpt2_samples.hpp"

#include <algorithm>

#include "cotscale/base/stop.hpp"

namespace cotscale::detail {
namespace {

int round_up(int dividend, int divisor) { return (dividend + divisor - 1) / divisor; }

struct gpt2_partial : partial_gradient<float> {
  explicit gpt2_partial(std::size_t size) : values(size) {}
  void add_to(std::span<float> total) const override {
    for (std::size_t i = 0; i < total.size(); ++i) total[i] += values[i];
  }
  std::vector<float> values;
};

// The maps inside of blocks are matrices to an optimiser; what reads in, reads out and stands for positions is not, as
// embeddings and heads are not (Jordan 2024).
learning_tensor described(const gpt2_tensor& tensor) {
  learning_tensor out{.offset = tensor.offset, .count = tensor.size()};
  if (tensor.shape.size() < 2 || !tensor.name.starts_with("h.")) return out;
  out.inputs = tensor.shape[0];  // Conv1D has them first
  out.outputs = tensor.shape[1];
  out.inputs_first = true;
  return out;
}

}  // namespace

gpt2_samples::gpt2_samples(const gpt2_layout& layout, const task_mixture& tasks, int n, const gpt2_options& options,
                           stream_key key)
    : layout_(layout),
      options_(options),
      key_(key),
      prompts_(gpt2_training_prompts(tasks, n, key)),
      per_shard_(round_up(options.batch, gpt2_most_shards(layout.size()))),
      workers_([&layout, &options] { return std::make_unique<worker>(layout, options.prefix_weight); }) {}

std::vector<learning_tensor> gpt2_samples::tensors() const {
  std::vector<learning_tensor> out;
  for (const gpt2_tensor& tensor : layout_.tensors()) out.push_back(described(tensor));
  return out;
}

std::vector<float> gpt2_samples::initial() const {
  return options_.given.empty() ? initial_gpt2(layout_, *options_.initialisation, key_) : options_.given;
}

int gpt2_samples::shards() const { return round_up(options_.batch, per_shard_); }

std::unique_ptr<partial_gradient<float>> gpt2_samples::blank_gradient() const {
  return std::make_unique<gpt2_partial>(layout_.size());
}

double gpt2_samples::tokens(std::int64_t t, int k) const {
  return static_cast<double>(options_.batch) * (2 * options_.examples.at(t, prompts_.examples()) + k);
}

// Prompts that go forward and backward together: few enough for the cache, but a step of a chain loads all weights.
int gpt2_samples::prompts_at_once(int tokens) const {
  constexpr int rows = 704, most = 64;
  const objective_form form = options_.objective->form();
  const bool chain = form.has_chain && !form.taught;
  return std::clamp(chain ? most : rows / tokens, 1, per_shard_);
}

// Draws the prompts of a shard, portion by portion, and calls body(number of the portion's first prompt) for each.
template<class Body>
void gpt2_samples::for_portions(int shard, std::int64_t t, int k, const std::stop_token& stop, worker& here,
                                const Body& body) {
  const int d = options_.dimension.at(t, prompts_.dimension()), n = options_.examples.at(t, prompts_.examples());
  const int at_once = prompts_at_once(2 * n + k);
  const int last = std::min(options_.batch, (shard + 1) * per_shard_);
  for (int first = shard * per_shard_; first < last; first += at_once) {
    throw_if_stopped(stop);
    here.prompts.resize(static_cast<std::size_t>(std::min(at_once, last - first)));
    for (std::size_t i = 0; i < here.prompts.size(); ++i) {
      const std::int64_t step = options_.fresh_prompts ? t : 0;
      prompts_.draw(static_cast<std::uint64_t>(step * options_.batch + first) + i, d, n, here.prompts[i]);
    }
    body(first);
  }
}

void gpt2_samples::prepare(std::span<const float> parameters) {
  parameters_ = parameters;
  transposed_.resize(layout_.size());
  transpose_maps<float>(layout_, parameters, transposed_);
}

double gpt2_samples::gradient(int shard, std::int64_t t, int k, partial_gradient<float>& gradient,
                              const std::stop_token& stop) {
  auto& out = static_cast<gpt2_partial&>(gradient);
  std::fill(out.values.begin(), out.values.end(), 0.0F);
  std::unique_ptr<worker> here = workers_.take();
  double loss = 0;
  for_portions(shard, t, k, stop, *here, [&](int) {
    loss += here->objective.add(*options_.objective, k, parameters_, transposed_, here->prompts, 1.0 / options_.batch,
                                out.values);
  });
  workers_.give_back(std::move(here));
  return loss;
}

void gpt2_samples::losses(int shard, std::int64_t t, int k, std::span<prompt_loss> out, const std::stop_token& stop) {
  std::unique_ptr<worker> here = workers_.take();
  for_portions(shard, t, k, stop, *here, [&](int first) {
    here->objective.losses(*options_.objective, k, parameters_, here->prompts,
                           out.subspan(static_cast<std::size_t>(first)));
  });
  workers_.give_back(std::move(here));
}

}  // namespace cotscale::detail
