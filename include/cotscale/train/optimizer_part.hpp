// An optimiser or a schedule as a part: a file of its own in train/optimizers or train/schedules, and a line in the
// list at its end.
#pragma once

#include <span>
#include <string_view>

#include "cotscale/train/optimizer.hpp"

namespace cotscale {

/// A step that an optimiser is to take; all spans of equal length.
template<class T>
struct optimizer_step {
  const optimizer_options& options;
  std::span<const learning_tensor> tensors;
  double rate = 0;
  std::span<const T> gradient;
  std::span<T> parameters;
  optimizer_state<T>& state;  ///< its count of updates includes this one
};

class optimizer_part {  // NOLINT(cppcoreguidelines-special-member-functions)
 public:
  virtual ~optimizer_part() = default;
  virtual update_rule rule() const = 0;
  virtual std::string_view word() const = 0;
  virtual std::string_view help() const = 0;
  /// Numbers that it remembers of each parameter: none, the mean, or the mean and the square.
  virtual int moments() const = 0;
  /// Whether it squares gradients, which must then not overflow.
  virtual bool squares_gradients() const { return moments() > 1; }
  virtual void step(const optimizer_step<float>& s) const = 0;
  virtual void step(const optimizer_step<double>& s) const = 0;
};

class schedule_part {  // NOLINT(cppcoreguidelines-special-member-functions)
 public:
  virtual ~schedule_part() = default;
  virtual rate_schedule schedule() const = 0;
  virtual std::string_view word() const = 0;
  virtual std::string_view help() const = 0;
  /// The share of the largest rate after the share 0 ≤ x < 1 of the steps that follow the warm-up.
  virtual double share(const optimizer_options& options, double x) const = 0;
};

/// All of them, in the order of update_rule and of rate_schedule.
std::span<const optimizer_part* const> optimizer_parts();
std::span<const schedule_part* const> schedule_parts();

const optimizer_part& part_of(update_rule rule);
const schedule_part& part_of(rate_schedule schedule);

}  // namespace cotscale
