// The one loop in which models learn from sampled prompts, and what a model must answer for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "cotscale/base/random.hpp"
#include "cotscale/train/curriculum.hpp"
#include "cotscale/train/objective.hpp"
#include "cotscale/train/optimizer.hpp"

namespace cotscale {

/// How a model learns, whatever it is; a model's own options are beside these.
struct learning_options {
  std::shared_ptr<const training_objective> objective = objective_named("direct");
  optimizer_options optimizer;
  std::int64_t steps = 4000;
  int batch = 256;             ///< prompts a step
  bool fresh_prompts = true;   ///< false: every step takes the prompts of the first
  curriculum_ramp chain = {};  ///< of the longest chain; full: the objective's own
};

/// A batch of linear or softmax attention is cut into so many shards at most: each keeps a gradient of its own.
inline constexpr int most_shards = 16;

/// The weights that a model begins with.
enum class initial_weights : std::uint8_t {
  theorem,  ///< those of Theorem 3.1
  random,
  given,
};

/// All that the next step depends on, beside the options and the key: what a checkpoint holds, and what one stage hands
/// to the next.
template<class T>
struct training_state {
  std::vector<T> parameters;   ///< those that learn
  optimizer_state<T> moments;  ///< of the optimiser
  std::int64_t step = 0;       ///< updates made
  double final_loss = 0;       ///< mean over the batches of the last twentieth of the steps, as far as it has come
};

/// The gradient of a shard, which waits until the shards before it are added.
template<class T>
class partial_gradient {  // NOLINT(cppcoreguidelines-special-member-functions)
 public:
  virtual ~partial_gradient() = default;
  virtual void add_to(std::span<T> total) const = 0;
};

/// A model that learns from sampled prompts of its own: the losses of a batch, cut into shards whose number depends on
/// the batch and the model only. Shards are computed by several threads at once, each by one.
template<class T>
class trainable {  // NOLINT(cppcoreguidelines-special-member-functions)
 public:
  virtual ~trainable() = default;

  /// Numbers that learn, which of them belong together, and their values at the beginning.
  virtual std::size_t size() const = 0;
  virtual std::vector<learning_tensor> tensors() const = 0;
  virtual std::vector<T> initial() const = 0;

  virtual int shards() const = 0;
  virtual std::unique_ptr<partial_gradient<T>> blank_gradient() const = 0;

  /// The parameters of the calls that follow; they live as long as those.
  virtual void prepare(std::span<const T> parameters) = 0;

  /// Loss of a shard of batch t for a chain of k steps, each prompt's divided by the batch; overwrites `gradient`,
  /// which blank_gradient() made.
  virtual double gradient(int shard, std::int64_t t, int k, partial_gradient<T>& gradient,
                          const std::stop_token& stop) = 0;

  /// Losses of the prompts of a shard of batch t, one by one, each at its place in `out`, which has room for the batch.
  virtual void losses(int shard, std::int64_t t, int k, std::span<prompt_loss> out, const std::stop_token& stop) = 0;

  /// Tokens that a batch has.
  virtual double tokens(std::int64_t t, int k) const = 0;
};

/// What happened in the loop.
struct loop_record {
  bool finite = false;     ///< took all its steps, and every loss and parameter was finite
  std::int64_t steps = 0;  ///< updates made
  double final_loss = 0;   ///< mean over the batches of the last twentieth of the steps, NaN if not finite
  double tokens = 0;       ///< that it went through
};

/// What a training comes to.
struct learning_record {
  bool diverged = false;     ///< not finite, or worse at the end than the estimate 0 and than the initial weights
  std::int64_t steps = 0;    ///< updates made
  double final_loss = 0;     ///< mean over the batches of the last twentieth of the steps, NaN if not finite
  std::vector<double> loss;  ///< after the requested steps, of the batch of the update to come; NaN if not come to
};

/// Called with (i, loss) for the i-th of the steps that are to be recorded, before its update.
using loss_observer = std::function<void(std::size_t i, double loss)>;

/// One training of one model. Batch t is a function of the model's prompts and (key, t) alone, and what is learned of
/// the arguments alone, bit by bit, whatever the number of threads.
template<class T>
class learner {
 public:
  /// Model and options are kept by reference. Throws specification_error for an optimiser that cannot work.
  learner(trainable<T>& model, const learning_options& options, stream_key key, std::stop_token stop);
  ~learner();
  learner(const learner&) = delete;
  learner& operator=(const learner&) = delete;
  learner(learner&&) = delete;
  learner& operator=(learner&&) = delete;

  /// The model's initial parameters, before the first step.
  training_state<T> beginning() const;

  /// Goes on from where the state is to the last step, or until a loss is no longer finite. `record_steps`, ascending,
  /// ≤ options.steps: after so many updates the loss of the batch of the update to come is recorded. Throws stopped
  /// when asked to stop.
  loop_record run(training_state<T>& state, std::span<const std::int64_t> record_steps, const loss_observer& record);

  /// Whether it has diverged: something was not finite, or on prompts of the batches after the last its loss exceeds
  /// that of the estimate 0 and that of the initial parameters, each by more than 4 standard errors, in the mean or in
  /// the mean of logarithms.
  bool diverged(const loop_record& done, const training_state<T>& state);

 private:
  class batch;

  std::vector<prompt_loss> fresh_losses(std::span<const T> parameters);

  trainable<T>& model_;
  const learning_options& options_;
  std::stop_token stop_;
  std::vector<learning_tensor> tensors_;
  std::unique_ptr<batch> batch_;
};

}  // namespace cotscale
