// What a model trains on: one task, or a mixture of tasks of which every prompt draws one.
#pragma once

#include <memory>
#include <vector>

#include "cotscale/task/distribution.hpp"

namespace cotscale {

/// A prompt draws task ℓ with probability π_ℓ, then its examples from that task's distribution, N(0, Λ_ℓ) in
/// arXiv 2510.03605, section 4.
class task_mixture {
 public:
  /// At least one task, all of the same dimension; as many probabilities ≥ 0, not all zero: they are divided by their
  /// sum. Throws specification_error otherwise. Tasks of probability 0 are dropped.
  task_mixture(const std::vector<covariance>& tasks, const std::vector<double>& probabilities);
  /// The same of tasks with features, noise and weights of their own.
  static task_mixture of(const std::vector<prompt_distribution>& tasks, const std::vector<double>& probabilities);
  explicit task_mixture(prompt_distribution task);

  int dimension() const { return tasks_.front().dimension(); }
  std::size_t size() const { return tasks_.size(); }
  const covariance& task(std::size_t i) const { return tasks_[i].lambda; }
  const prompt_distribution& distribution(std::size_t i) const { return tasks_[i]; }
  double probability(std::size_t i) const { return probabilities_[i]; }

  /// The largest of its tasks' (covariance::scale_exponent), and all of them times 2^e. A task that becomes smaller
  /// than what a double holds is left out; the probabilities of the others stay as they are.
  int scale_exponent() const;
  task_mixture scaled(int exponent) const;

 private:
  task_mixture() = default;

  std::vector<prompt_distribution> tasks_;
  std::vector<double> probabilities_;
};

}  // namespace cotscale
