#include "cotscale/train/softmax.hpp"

#include <algorithm>
#include <limits>

#include "cotscale/base/error.hpp"
#include "cotscale/base/stop.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/model/lsa_chain.hpp"
#include "cotscale/train/curriculum.hpp"
#include "cotscale/train/learning.hpp"
#include "loop.hpp"
#include "lsa_entries.hpp"
#include "process_chain.hpp"

namespace cotscale {

// ---- the objective ----

// Leaves the derivatives by the outputs in o_bar_.
prompt_loss softmax_objective::forward(const training_objective& objective, int k, const lsa_parameters& parameters,
                                       const prompt& p, double weight) {
  const objective_form form = objective.form();
  const lsa_rows rows{static_cast<int>(p.w.size())};
  const auto d = p.w.size(), slot = static_cast<std::size_t>(rows.weight());
  const std::vector<double> taught = form.taught ? detail::process_chain(*form.taught, k, p) : std::vector<double>();
  o_bar_.assign(static_cast<std::size_t>(k), std::vector<double>(static_cast<std::size_t>(rows.count())));
  prompt_loss out;
  chain_.start(p);
  for (int i = 0; i < k; ++i) {
    const std::span<const double> output = chain_.apply(parameters);
    std::vector<double> expected(output.size());
    expected.back() = 1;
    const double* target = form.taught ? taught.data() + static_cast<std::size_t>(i) * d : p.w.data();
    std::copy_n(target, d, expected.begin() + static_cast<std::ptrdiff_t>(slot));
    const bool counts = !form.last_estimate || i == k - 1;
    const double share = form.last_estimate ? 1.0 : 1.0 / k;
    for (std::size_t r = 0; counts && r < output.size(); ++r) {
      const bool estimate = r >= slot && r < slot + d;
      if (form.last_estimate && !estimate) continue;
      const double residual = output[r] - expected[r];
      o_bar_[static_cast<std::size_t>(i)][r] = weight * share * residual;
      out.model += 0.5 * share * residual * residual;
      if (estimate) out.zero += 0.5 * share * expected[r] * expected[r];
    }
    if (i + 1 < k) chain_.append(form.taught ? std::span<const double>(expected) : output);
  }
  return out;
}

double softmax_objective::add(const training_objective& objective, int k, const lsa_parameters& parameters,
                              const prompt& p, double weight, lsa_parameters& gradient) {
  expects(k >= 1 && k <= objective.longest_chain(), "softmax_objective: k = {}", k);
  const prompt_loss loss = forward(objective, k, parameters, p, weight);
  chain_.backward(parameters, objective.form().through_tokens, o_bar_, gradient);
  return weight * loss.model;
}

prompt_loss softmax_objective::loss(const training_objective& objective, int k, const lsa_parameters& parameters,
                                    const prompt& p) {
  return forward(objective, k, parameters, p, 1);
}

// ---- learning ----

namespace {

struct softmax_partial : partial_gradient<double> {
  softmax_partial(const std::vector<detail::entry_run>& entries, int side)
      : free(entries), whole{.v = matrix(side, side), .w = matrix(side, side)} {}
  void add_to(std::span<double> total) const override {
    const std::vector<double> part = detail::gathered(whole, free);
    for (std::size_t i = 0; i < total.size(); ++i) total[i] += part[i];
  }
  const std::vector<detail::entry_run>& free;
  lsa_parameters whole;
};

class softmax_samples : public trainable<double> {
 public:
  softmax_samples(const task_mixture& tasks, int n, const softmax_options& options, stream_key key)
      : own_columns_(options.own_columns),
        options_(options.learning),
        free_(detail::free_entries(options_, tasks.dimension())),
        beginning_(detail::starting_point(options_, tasks.dimension(), free_, key)),
        model_(beginning_),
        prompts_(tasks, n, detail::derived_key("softmax training prompts", key)),
        per_shard_((options_.batch + most_shards - 1) / most_shards) {}

  std::size_t size() const override { return detail::free_size(free_); }
  std::vector<learning_tensor> tensors() const override { return detail::tensors_of(free_, prompts_.dimension()); }
  std::vector<double> initial() const override { return detail::gathered(beginning_, free_); }
  int shards() const override { return (options_.batch + per_shard_ - 1) / per_shard_; }
  std::unique_ptr<partial_gradient<double>> blank_gradient() const override {
    return std::make_unique<softmax_partial>(free_, model_.v.rows());
  }
  void prepare(std::span<const double> parameters) override { detail::scatter(parameters, free_, model_); }

  double gradient(int shard, std::int64_t t, int k, partial_gradient<double>& gradient,
                  const std::stop_token& stop) override {
    lsa_parameters& sum = static_cast<softmax_partial&>(gradient).whole;
    for (matrix* part : {&sum.v, &sum.w}) std::fill_n(part->data(), part->size(), 0.0);
    double loss = 0;
    for_prompts(shard, t, stop, [&](softmax_objective& objective, int, const prompt& p) {
      loss += objective.add(*options_.objective, k, model_, p, 1.0 / options_.batch, sum);
    });
    return loss;
  }

  void losses(int shard, std::int64_t t, int k, std::span<prompt_loss> out, const std::stop_token& stop) override {
    for_prompts(shard, t, stop, [&](softmax_objective& objective, int i, const prompt& p) {
      out[static_cast<std::size_t>(i)] = objective.loss(*options_.objective, k, model_, p);
    });
  }

  double tokens(std::int64_t, int k) const override { return 1.0 * options_.batch * (prompts_.examples() + k); }
  const lsa_parameters& model() const { return model_; }

 private:
  template<class Body>
  void for_prompts(int shard, std::int64_t t, const std::stop_token& stop, const Body& body) const {
    softmax_objective objective(own_columns_);
    prompt p;
    const std::int64_t step = options_.fresh_prompts ? t : 0;
    for (int i = shard * per_shard_; i < std::min(options_.batch, (shard + 1) * per_shard_); ++i) {
      throw_if_stopped(stop);
      prompts_.draw(static_cast<std::uint64_t>(step * options_.batch + i), prompts_.dimension(), prompts_.examples(),
                    p);
      body(objective, i, p);
    }
  }

  bool own_columns_;
  const lsa_options& options_;
  std::vector<detail::entry_run> free_;
  lsa_parameters beginning_;
  lsa_parameters model_;
  mixture_prompts prompts_;
  int per_shard_;
};

}  // namespace

softmax_training train_softmax(const task_mixture& tasks, int n, const softmax_options& options, stream_key key,
                               std::span<const std::int64_t> record_steps, const std::stop_token& stop) {
  const lsa_options& o = options.learning;
  expects(o.c != 0 && o.steps >= 0 && o.batch >= 1, "train_softmax: c = {}, steps = {}, batch = {}", o.c, o.steps,
          o.batch);
  const blas_threads one(1);
  softmax_samples model(tasks, n, options, key);
  learner<double> learning(model, o, key, stop);
  training_state<double> state = learning.beginning();
  learning_record out;
  out.loss.assign(record_steps.size(), std::numeric_limits<double>::quiet_NaN());
  const loop_record done = learning.run(state, record_steps, [&](std::size_t i, double loss) { out.loss[i] = loss; });
  out.steps = done.steps;
  out.final_loss = done.final_loss;
  out.diverged = learning.diverged(done, state);
  model.prepare(state.parameters);
  return {.model = model.model(), .record = std::move(out)};
}

}  // namespace cotscale
