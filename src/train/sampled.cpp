#include "cotscale/train/sampled.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "cotscale/base/error.hpp"
#include "cotscale/base/parallel.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/task/lane_sampler.hpp"
#include "loop.hpp"
#include "lsa_entries.hpp"

namespace cotscale {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// ---- the gradient of a batch ----

// Blocks of eight prompts in shards, whose number depends on the batch only. A shard has its gradient to itself.
class batch {
 public:
  batch(const task_mixture& tasks, int n, const sampled_options& options, stream_key key)
      : options_(options),
        source_(tasks, n, key),
        lengths_(options.objective, key),
        blocks_((options.batch + lane_count - 1) / lane_count),
        per_shard_(blocks_per_shard(blocks_, tasks.dimension(), options.objective)),
        shards_(static_cast<std::size_t>((blocks_ + per_shard_ - 1) / per_shard_)) {}

  // Loss, and its gradient in gradient(), at batch t.
  double evaluate(std::int64_t t, const lsa_parameters& parameters, const std::stop_token& stop) {
    transpose_into(parameters, transposed_);
    const int k = lengths_.at(t);
    parallel_for(static_cast<int>(shards_.size()), [&](int s) { evaluate_shard(s, t, k, parameters, stop); });
    double loss = 0;
    for (std::size_t s = 0; s < shards_.size(); ++s) {
      loss += shards_[s].loss;
      add(*shards_[s].gradient, s == 0);
    }
    return loss;
  }
  const lsa_parameters& gradient() const { return gradient_; }

  // Of every prompt of batch t.
  void losses(std::int64_t t, const lsa_parameters& parameters, const std::stop_token& stop,
              std::span<prompt_loss> out) {
    const int k = lengths_.at(t);
    parallel_for(static_cast<int>(shards_.size()), [&](int s) {
      shard& here = shards_[static_cast<std::size_t>(s)];
      const int first = s * per_shard_;
      for (int block = first; block < std::min(blocks_, first + per_shard_); ++block) {
        throw_if_stopped(stop);
        const int done = block * lane_count, count = std::min(lane_count, options_.batch - done);
        here.objective.losses(options_.objective, k, parameters, prompts(here, t, block, first), count,
                              out.subspan(static_cast<std::size_t>(done), static_cast<std::size_t>(count)));
      }
    });
  }

 private:
  struct shard {
    std::vector<prompt_lanes> prompts;  // one, or all if they are used again
    objective_lanes objective;
    lsa_gradient_sum sum;
    const lsa_parameters* gradient = nullptr;
    double loss = 0;
  };

  // A shard is large enough to be worth another thread's while, and there are few, since each keeps a gradient.
  static int blocks_per_shard(int blocks, int d, const objective_options& o) {
    constexpr int most_shards = 16;
    constexpr double nanoseconds = 150'000;
    const double k = o.kind == objective::direct ? 1 : o.k_train;
    const double rows = lsa_rows{d}.count();
    const double block_nanoseconds = 24.0 * d * d + 10 * k * rows * rows;  // drawing; the chain. Measured
    const double worthwhile = std::ceil(nanoseconds / block_nanoseconds);
    return std::max({1, (blocks + most_shards - 1) / most_shards, static_cast<int>(worthwhile)});
  }

  const prompt_lanes& prompts(shard& here, std::int64_t t, int block, int first) const {
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

  void evaluate_shard(int s, std::int64_t t, int k, const lsa_parameters& parameters, const std::stop_token& stop) {
    shard& here = shards_[static_cast<std::size_t>(s)];
    const int first = s * per_shard_;
    const int last = std::min(blocks_, first + per_shard_);
    here.sum.start(source_.dimension(), (last - first) * lane_count * k);
    here.loss = 0;
    for (int block = first; block < last; ++block) {
      throw_if_stopped(stop);
      const int count = std::min(lane_count, options_.batch - block * lane_count);
      here.loss += here.objective.add(options_.objective, k, parameters, transposed_, prompts(here, t, block, first),
                                      count, 1.0 / options_.batch, here.sum);
    }
    here.gradient = &here.sum.finish();
  }

  void add(const lsa_parameters& part, bool first) {
    if (first) {
      gradient_ = part;
      return;
    }
    for (std::size_t i = 0; i < part.v.size(); ++i) gradient_.v.data()[i] += part.v.data()[i];
    for (std::size_t i = 0; i < part.w.size(); ++i) gradient_.w.data()[i] += part.w.data()[i];
  }

  const sampled_options& options_;
  lane_sampler source_;
  detail::chain_lengths lengths_;
  int blocks_;
  int per_shard_;
  std::vector<shard> shards_;
  lsa_parameters transposed_;
  lsa_parameters gradient_;
};

// ---- the loop ----

double distance(const lsa_parameters& parameters, const matrix& exact) {
  return frobenius_norm(combination(1, effective_preconditioner(parameters), -1, exact)) / frobenius_norm(exact);
}

void require_valid(const sampled_options& o, int d, const matrix& exact) {
  expects(o.c != 0 && o.steps >= 0 && o.batch >= 1 && o.objective.k_train >= 1 && o.initial_scale >= 0,
          "train_sampled: c = {}, steps = {}, batch = {}, k_train = {}, initial_scale = {}", o.c, o.steps, o.batch,
          o.objective.k_train, o.initial_scale);
  expects(exact.rows() == d && exact.columns() == d, "train_sampled: d = {}, A* ({}, {})", d, exact.rows(),
          exact.columns());
  if (o.initial != initial_weights::given) return;
  const int size = lsa_rows{d}.count();
  for (const matrix* given : {&o.given.v, &o.given.w}) {
    expects(given->rows() == size && given->columns() == size, "train_sampled: d = {}, given weights ({}, {})", d,
            given->rows(), given->columns());
  }
}

// Parameters on their way, and the numbers that move as one vector.
class run {
 public:
  run(const task_mixture& tasks, int n, const sampled_options& options, stream_key key, const std::stop_token& stop)
      : options_(options),
        stop_(stop),
        free_(detail::free_entries(options, tasks.dimension())),
        initial_(detail::starting_point(options, tasks.dimension(), free_, key)),
        model_(initial_),
        batch_(tasks, n, options, key),
        optimizer_(options.optimizer, free_.size()),
        moving_(free_.size()),
        gradient_(free_.size()) {
    for (std::size_t i = 0; i < free_.size(); ++i) moving_[i] = at(model_, free_[i]);
  }

  const lsa_parameters& model() const { return model_; }
  const lsa_parameters& initial() const { return initial_; }
  double loss(std::int64_t t) { return batch_.evaluate(t, model_, stop_); }

  // With the gradient of the last loss.
  void update(std::int64_t t) {
    for (std::size_t i = 0; i < free_.size(); ++i) gradient_[i] = at(batch_.gradient(), free_[i]);
    clip(gradient_, options_.optimizer.clip_norm);
    optimizer_.update(rate_at(options_.optimizer, t, options_.steps), gradient_, moving_);
    for (std::size_t i = 0; i < free_.size(); ++i) at(model_, free_[i]) = moving_[i];
  }

  bool finite() const { return detail::is_finite<double>(moving_); }

  // Of the prompts of the batches after the last.
  std::vector<prompt_loss> losses(const lsa_parameters& parameters) {
    const auto batch = static_cast<std::size_t>(options_.batch);
    std::vector<prompt_loss> out(
        batch * static_cast<std::size_t>(detail::verdict_batches(options_.batch, options_.fresh_prompts)));
    for (std::size_t i = 0; i * batch < out.size(); ++i) {
      const std::int64_t t = options_.steps + static_cast<std::int64_t>(i);
      batch_.losses(t, parameters, stop_, std::span(out).subspan(i * batch, batch));
    }
    return out;
  }

 private:
  const sampled_options& options_;
  const std::stop_token& stop_;
  std::vector<detail::entry> free_;
  lsa_parameters initial_;
  lsa_parameters model_;
  batch batch_;
  optimizer optimizer_;
  std::vector<double> moving_;
  std::vector<double> gradient_;
};

}  // namespace

matrix effective_preconditioner(const lsa_parameters& parameters) {
  const int d = parameters.dimension();
  const lsa_rows rows{d};
  const matrix v31 = parameters.v.block(rows.weight(), rows.feature(), d, d);
  return combination(parameters.w(rows.label(), rows.flag()), v31, 0, v31);
}

double off_slice_norm(const lsa_parameters& parameters) {
  const int d = parameters.dimension();
  const lsa_rows rows{d};
  const double scale = frobenius_norm(parameters.v.block(rows.weight(), rows.feature(), d, d));
  if (scale == 0) return 0;
  lsa_parameters rest = parameters;
  rest.v.set_block(rows.weight(), rows.feature(), matrix(d, d));
  rest.w.set_block(rows.feature(), rows.weight(), matrix(d, d));
  rest.w(rows.label(), rows.flag()) = 0;
  return std::hypot(frobenius_norm(rest.v), frobenius_norm(rest.w)) / scale;
}

sampled_training train_sampled(const task_mixture& tasks, int n, const sampled_options& options, stream_key key,
                               const matrix& exact_preconditioner, std::span<const std::int64_t> record_steps,
                               const std::stop_token& stop) {
  const int d = tasks.dimension();
  require_valid(options, d, exact_preconditioner);
  const blas_threads one(1);  // also in a lone shard, which runs outside of a parallel region
  run training(tasks, n, options, key, stop);
  sampled_record out;
  for (auto* series : {&out.loss, &out.preconditioner_distance, &out.off_slice})
    series->assign(record_steps.size(), nan);
  const auto record = [&](std::size_t i, double loss) {
    out.loss[i] = loss;
    out.preconditioner_distance[i] = distance(training.model(), exact_preconditioner);
    out.off_slice[i] = off_slice_norm(training.model());
  };
  const detail::loop_record done = detail::repeat_updates(training, options.steps, record_steps, record, stop);
  out.diverged = detail::judge(
      done, [&](bool initial) { return training.losses(initial ? training.initial() : training.model()); });
  out.steps = done.steps;
  out.final_loss = done.final_loss;
  out.final_preconditioner_distance = distance(training.model(), exact_preconditioner);
  out.final_off_slice = off_slice_norm(training.model());
  const lsa_rows rows{d};
  out.w24 = training.model().w(rows.label(), rows.flag());
  out.initial_preconditioner = effective_preconditioner(training.initial());
  return {.model = training.model(), .record = std::move(out)};
}

}  // namespace cotscale
