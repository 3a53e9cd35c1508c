// Optimisers and schedules: a part each in src/train/optimizers and src/train/schedules, listed in parts.cpp there.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "cotscale/config/keys.hpp"
#include "cotscale/train/optimizer.hpp"

namespace cotscale {

/// A step that an optimiser is to take; all spans of equal length.
template<class T>
struct optimizer_step {
  std::span<const learning_tensor> tensors;
  double rate = 0;
  double largest_rate = 0;  ///< of the schedule
  std::span<const T> gradient;
  std::span<T> parameters;
  optimizer_state<T>& state;  ///< its count of updates includes this one
};

class update_rule {
 public:
  virtual ~update_rule() = default;
  virtual std::string_view word() const = 0;
  virtual std::string_view help() const = 0;
  virtual std::shared_ptr<update_rule> clone() const = 0;
  /// It is raised when the numbers change that the same keys stand for.
  virtual int version() const = 0;
  virtual void keys(config::keys&) {}

  /// Numbers that it remembers of each parameter: none, the mean, or the mean and the square.
  virtual int moments() const = 0;
  /// Whether it squares gradients, which must then not overflow.
  virtual bool squares_gradients() const { return moments() > 1; }
  virtual void step(const optimizer_step<float>& s) const = 0;
  virtual void step(const optimizer_step<double>& s) const = 0;

 protected:
  update_rule() = default;
  update_rule(const update_rule&) = default;
  update_rule& operator=(const update_rule&) = default;
};

class rate_schedule {
 public:
  virtual ~rate_schedule() = default;
  virtual std::string_view word() const = 0;
  virtual std::string_view help() const = 0;
  virtual std::shared_ptr<rate_schedule> clone() const = 0;
  /// It is raised when the numbers change that the same keys stand for.
  virtual int version() const = 0;
  virtual void keys(config::keys&) {}

  /// The share of the largest rate after the share 0 ≤ x < 1 of the steps that follow the warm-up.
  virtual double share(double x) const = 0;

 protected:
  rate_schedule() = default;
  rate_schedule(const rate_schedule&) = default;
  rate_schedule& operator=(const rate_schedule&) = default;
};

/// All there are, in the order of the documentation.
std::span<const update_rule* const> all_update_rules();
std::span<const rate_schedule* const> all_schedules();

}  // namespace cotscale
