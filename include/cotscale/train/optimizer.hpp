// First-order optimisers: update rules, learning-rate schedules, clipping. All as PyTorch 2 defines them.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace cotscale {

enum class update_rule {
  gd,     ///< p ← p − η g
  sgd,    ///< b ← μ b + g, p ← p − η b
  adam,   ///< Kingma and Ba 2015, with bias correction
  adamw,  ///< the same after p ← (1 − η·weight_decay) p (Loshchilov and Hutter 2019)
  muon,   ///< matrices move by an orthogonalised momentum (Jordan 2024), everything else as by adamw
};

enum class rate_schedule { constant, cosine, linear };

struct optimizer_options {
  update_rule rule = update_rule::adam;
  double learning_rate = 0.01;  ///< η, the largest of the schedule
  double momentum = 0.9;        ///< μ of sgd
  double beta1 = 0.9;           ///< of Adam: memory of the mean, of the square, and what is added to its root
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.01;  ///< of adamw and muon
  rate_schedule schedule = rate_schedule::cosine;
  std::int64_t warm_up = 0;  ///< steps over which η grows linearly to its largest value
  double clip_norm = 0;      ///< longest gradient, in the Euclidean norm over everything that moves; 0: any
  double floor = 0;          ///< of linear: the share of η that it falls to
  double muon_momentum = 0.95;
  bool nesterov = true;       ///< muon looks one step ahead of its momentum
  double vector_rate = 1e-3;  ///< of muon: the largest rate of what is no matrix, which AdamW moves
};

/// Numbers that learn and belong together, in the vector of all that do: muon looks at matrices as a whole.
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
/// of x = (step − warm_up)/(steps − warm_up): constant, falling as (1 + cos πx)/2, which would be zero at `steps`, or
/// as 1 − (1 − floor) x.
double rate_at(const optimizer_options& options, std::int64_t step, std::int64_t steps);

/// Scales the gradient to the norm `limit` if it is longer and limit > 0; returns the norm that it had.
double clip(std::span<double> gradient, double limit);
double clip(std::span<float> gradient, double limit);

/// What an update rule remembers from step to step; part of what a checkpoint is.
template<class T>
struct optimizer_state {
  std::int64_t updates = 0;
  std::vector<T> mean;    ///< of the gradients; sgd's and muon's momentum. Empty: the rule has none
  std::vector<T> square;  ///< of Adam
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
