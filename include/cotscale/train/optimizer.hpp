// First-order optimisers: update rules, learning-rate schedules, clipping. All as PyTorch 2 defines them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cotscale {

class update_rule;
class rate_schedule;

/// The part of that word; `values` are its keys, as lines of TOML: "momentum = 0.8". Throws specification_error.
std::shared_ptr<const update_rule> update_rule_named(std::string_view word, const std::string& values = "");
std::shared_ptr<const rate_schedule> schedule_named(std::string_view word, const std::string& values = "");

struct optimizer_options {
  std::shared_ptr<const update_rule> rule = update_rule_named("adam");
  double learning_rate = 0.01;  ///< η, the largest of the schedule
  std::shared_ptr<const rate_schedule> schedule = schedule_named("cosine");
  std::int64_t warm_up = 0;  ///< steps over which η grows linearly to its largest value
  double clip_norm = 0;      ///< longest gradient, in the Euclidean norm over everything that moves; 0: any
};

/// Numbers that learn and belong together, in the vector of all that do: some rules look at matrices as a whole.
struct learning_tensor {
  std::size_t offset = 0;
  std::size_t count = 0;
  int outputs = 0;  ///< of a matrix that takes `inputs` numbers to so many; 0: it is no such matrix
  int inputs = 0;
  bool inputs_first = false;  ///< it stands as (inputs, outputs), row-major; else as (outputs, inputs)
  /// Where the numbers stand in the matrix, row-major, if some of its entries are held: those count as 0. Empty: it is
  /// whole.
  std::vector<std::size_t> places = {};
};

/// Throws specification_error, naming the value, unless the options make sense.
void require_valid(const optimizer_options& options);

/// η of step 0 ≤ step < steps: (step + 1)/warm_up of the largest while that is below 1, then what the schedule makes
/// of x = (step − warm_up)/(steps − warm_up).
double rate_at(const optimizer_options& options, std::int64_t step, std::int64_t steps);

/// Scales the gradient to the norm `limit` if it is longer and limit > 0; returns the norm that it had.
double clip(std::span<double> gradient, double limit);
double clip(std::span<float> gradient, double limit);

/// What an update rule remembers from step to step; part of what a checkpoint is.
template<class T>
struct optimizer_state {
  std::int64_t updates = 0;
  std::vector<T> mean;    ///< of the gradients, or their momentum. Empty: the rule has none
  std::vector<T> square;  ///< of their squares
};

/// At the beginning, for `size` parameters. Throws specification_error for options that make no sense.
template<class T>
optimizer_state<T> initial_state(const optimizer_options& options, std::size_t size);

/// One step of the given rate; spans of as many numbers as the state is for. Many parameters are updated by this rank's
/// threads; the bits do not depend on their number. Without `tensors` there are no matrices.
template<class T>
void take_step(const optimizer_options& options, std::span<const learning_tensor> tensors, double rate,
               std::span<const T> gradient, std::span<T> parameters, optimizer_state<T>& state);

/// An update rule with its state over `size` parameters, in single or double precision.
template<class T>
class basic_optimizer {
 public:
  basic_optimizer(const optimizer_options& options, std::size_t size, std::vector<learning_tensor> tensors = {})
      : options_(options), tensors_(std::move(tensors)), state_(initial_state<T>(options, size)) {}

  void update(double rate, std::span<const T> gradient, std::span<T> parameters) {
    take_step<T>(options_, tensors_, rate, gradient, parameters, state_);
  }

 private:
  optimizer_options options_;
  std::vector<learning_tensor> tensors_;
  optimizer_state<T> state_;
};

using optimizer = basic_optimizer<double>;

}  // namespace cotscale
