#include "cotscale/task/mixture.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "cotscale/base/error.hpp"

namespace cotscale {

task_mixture::task_mixture(covariance task) : tasks_{std::move(task)}, probabilities_{1} {}

task_mixture::task_mixture(const std::vector<covariance>& tasks, const std::vector<double>& probabilities) {
  if (tasks.empty() || tasks.size() != probabilities.size()) {
    throw specification_error(
        fmt::format("a mixture has {} tasks, but {} probabilities", tasks.size(), probabilities.size()));
  }
  const double total = std::accumulate(probabilities.begin(), probabilities.end(), 0.0);
  if (std::any_of(probabilities.begin(), probabilities.end(), [](double p) { return !(p >= 0); }) || !(total > 0) ||
      !std::isfinite(total)) {
    throw specification_error("the probabilities of a mixture must be finite and ≥ 0, and one of them positive");
  }
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    if (tasks[i].dimension() != tasks.front().dimension()) {
      throw specification_error(fmt::format("the tasks of a mixture differ in dimension: {} and {}",
                                            tasks.front().dimension(), tasks[i].dimension()));
    }
    if (probabilities[i] == 0) continue;
    tasks_.push_back(tasks[i]);
    probabilities_.push_back(probabilities[i] / total);
  }
}

int task_mixture::scale_exponent() const {
  int largest = tasks_.front().scale_exponent();
  for (const covariance& task : tasks_) largest = std::max(largest, task.scale_exponent());
  return largest;
}

task_mixture task_mixture::scaled(int exponent) const {
  constexpr int smallest = -1000;  // of what a double holds in full; such a task is nothing beside the others
  std::vector<covariance> tasks;
  std::vector<double> probabilities;
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    if (tasks_.size() > 1 && tasks_[i].scale_exponent() + exponent < smallest) continue;
    tasks.push_back(tasks_[i].scaled(exponent));
    probabilities.push_back(probabilities_[i]);
  }
  task_mixture out = *this;
  out.tasks_ = std::move(tasks);
  out.probabilities_ = std::move(probabilities);
  return out;
}

}  // namespace cotscale
