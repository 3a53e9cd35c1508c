// First-order optimisers: update rules, learning-rate schedules, clipping. All as PyTorch 2 defines them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace cotscale {

enum class update_rule {
  gd,     ///< p ← p − η g
  sgd,    ///< b ← μ b + g, p ← p − η b
  adam,   ///< Kingma and Ba 2015, with bias correction
  adamw,  ///< the same after p ← (1 − η·weight_decay) p (Loshchilov and Hutter 2019)
};

enum class rate_schedule { constant, cosine };

struct optimizer_options {
  update_rule rule = update_rule::adam;
  double learning_rate = 0.01;  ///< η, the largest of the schedule
  double momentum = 0.9;        ///< μ of sgd
  double beta1 = 0.9;           ///< of Adam: memory of the mean, of the square, and what is added to its root
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.01;  ///< of adamw
  rate_schedule schedule = rate_schedule::cosine;
  std::int64_t warm_up = 0;  ///< steps over which η grows linearly to its largest value
  double clip_norm = 0;      ///< longest gradient, in the Euclidean norm over everything that moves; 0: any
};

/// Throws specification_error, naming the value, unless the options make sense.
void require_valid(const optimizer_options& options);

/// η of step 0 ≤ step < steps: (step + 1)/warm_up of the largest while that is below 1, then constant, or falling as
/// (1 + cos πx)/2 with x = (step − warm_up)/(steps − warm_up), which would be zero at `steps`.
double rate_at(const optimizer_options& options, std::int64_t step, std::int64_t steps);

/// Scales the gradient to the norm `limit` if it is longer and limit > 0; returns the norm that it had.
double clip(std::span<double> gradient, double limit);
double clip(std::span<float> gradient, double limit);

/// The state of an update rule over `size` parameters, in single or double precision. Many parameters are updated by
/// this rank's threads; the bits do not depend on their number.
template<class T>
class basic_optimizer {
 public:
  basic_optimizer(const optimizer_options& options, std::size_t size);

  /// One step of the given rate; spans of `size` numbers.
  void update(double rate, std::span<const T> gradient, std::span<T> parameters);

 private:
  void update_block(double rate, std::size_t first, std::span<const T> gradient, std::span<T> parameters);
  void update_adam(double rate, std::size_t first, std::span<const T> gradient, std::span<T> parameters);

  optimizer_options options_;
  std::int64_t updates_ = 0;
  std::vector<T> mean_;  // of the gradients; sgd's momentum
  std::vector<T> square_;
};

using optimizer = basic_optimizer<double>;

}  // namespace cotscale
