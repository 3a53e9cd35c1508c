#include "lsa_samples.hpp"

#include <algorithm>
#include <cmath>

#include "cotscale/base/stop.hpp"

namespace cotscale::detail {
namespace {

// A shard is large enough to be worth another thread's while.
int blocks_per_shard(int blocks, int d, const training_objective& objective) {
  constexpr double nanoseconds = 150'000;
  const double k = objective.longest_chain();
  const double rows = lsa_rows{d}.count();
  const double block_nanoseconds = 24.0 * d * d + 10 * k * rows * rows;  // drawing; the chain. Measured
  const double worthwhile = std::ceil(nanoseconds / block_nanoseconds);
  return std::max({1, (blocks + most_shards - 1) / most_shards, static_cast<int>(worthwhile)});
}

// That of all entries of V and W, of which those that learn are added.
struct lsa_partial : partial_gradient<double> {
  explicit lsa_partial(const std::vector<entry_run>& entries) : free(entries) {}
  void add_to(std::span<double> total) const override {
    double* to = total.data();
    for (const entry_run& run : free) {
      const double* from = run.of(*whole);
      for (std::size_t i = 0; i < run.count; ++i) to[i] += from[i];
      to += run.count;
    }
  }

  const std::vector<entry_run>& free;
  lsa_gradient_sum sum;
  const lsa_parameters* whole = nullptr;
};

}  // namespace

lsa_samples::lsa_samples(const task_mixture& tasks, int n, const lsa_options& options, stream_key key)
    : options_(options),
      free_(free_entries(options, tasks.dimension())),
      initial_model_(starting_point(options, tasks.dimension(), free_, key)),
      model_(initial_model_),
      source_(tasks, n, key),
      blocks_((options.batch + lane_count - 1) / lane_count),
      per_shard_(blocks_per_shard(blocks_, tasks.dimension(), *options.objective)),
      shards_(static_cast<std::size_t>((blocks_ + per_shard_ - 1) / per_shard_)) {}

std::vector<learning_tensor> lsa_samples::tensors() const { return tensors_of(free_, source_.dimension()); }

std::unique_ptr<partial_gradient<double>> lsa_samples::blank_gradient() const {
  return std::make_unique<lsa_partial>(free_);
}

void lsa_samples::prepare(std::span<const double> parameters) {
  scatter(parameters, free_, model_);
  transpose_into(model_, transposed_);
}

int lsa_samples::last_block(int shard) const { return std::min(blocks_, first_block(shard) + per_shard_); }

double lsa_samples::gradient(int shard, std::int64_t t, int k, partial_gradient<double>& gradient,
                             const std::stop_token& stop) {
  auto& out = static_cast<lsa_partial&>(gradient);
  auto& here = shards_[static_cast<std::size_t>(shard)];
  const int first = first_block(shard), last = last_block(shard);
  out.sum.start(source_.dimension(), (last - first) * lane_count * k);
  double loss = 0;
  for (int block = first; block < last; ++block) {
    throw_if_stopped(stop);
    const int count = std::min(lane_count, options_.batch - block * lane_count);
    loss += here.objective.add(*options_.objective, k, model_, transposed_, prompts(here, t, block, first), count,
                               1.0 / options_.batch, out.sum);
  }
  out.whole = &out.sum.finish();
  return loss;
}

void lsa_samples::losses(int shard, std::int64_t t, int k, std::span<prompt_loss> out, const std::stop_token& stop) {
  auto& here = shards_[static_cast<std::size_t>(shard)];
  const int first = first_block(shard);
  for (int block = first; block < last_block(shard); ++block) {
    throw_if_stopped(stop);
    const int done = block * lane_count, count = std::min(lane_count, options_.batch - done);
    here.objective.losses(*options_.objective, k, model_, prompts(here, t, block, first), count,
                          out.subspan(static_cast<std::size_t>(done), static_cast<std::size_t>(count)));
  }
}

const prompt_lanes& lsa_samples::prompts(memory& here, std::int64_t t, int block, int first) const {
  const auto draw = [&](std::int64_t step, prompt_lanes& out) {
    source_.draw(static_cast<std::uint64_t>(step * blocks_ + block), out);
  };
  const std::size_t place = options_.fresh_prompts ? 0 : static_cast<std::size_t>(block - first);
  if (place >= here.prompts.size()) {
    here.prompts.resize(place + 1);
    if (!options_.fresh_prompts) draw(0, here.prompts[place]);
  }
  if (options_.fresh_prompts) draw(t, here.prompts[place]);
  return here.prompts[place];
}

}  // namespace cotscale::detail
