#include "cotscale/task/mixture.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "cotscale/base/error.hpp"

namespace cotscale {

task_mixture::task_mixture(prompt_distribution task) : tasks_{std::move(task)}, probabilities_{1} {}

task_mixture::task_mixture(const std::vector<covariance>& tasks, const std::vector<double>& probabilities)
    : task_mixture(of({tasks.begin(), tasks.end()}, probabilities)) {}

task_mixture task_mixture::of(const std::vector<prompt_distribution>& tasks, const std::vector<double>& probabilities) {
  if (tasks.empty() || tasks.size() != probabilities.size()) {
    throw specification_error(
        fmt::format("a mixture has {} tasks, but {} probabilities", tasks.size(), probabilities.size()));
  }
  const double total = std::accumulate(probabilities.begin(), probabilities.end(), 0.0);
  if (std::any_of(probabilities.begin(), probabilities.end(), [](double p) { return !(p >= 0); }) || !(total > 0) ||
      !std::isfinite(total)) {
    throw specification_error("the probabilities of a mixture must be finite and ≥ 0, and one of them positive");
  }
  task_mixture out;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    if (tasks[i].dimension() != tasks.front().dimension()) {
      throw specification_error(fmt::format("the tasks of a mixture differ in dimension: {} and {}",
                                            tasks.front().dimension(), tasks[i].dimension()));
    }
    if (probabilities[i] == 0) continue;
    out.tasks_.push_back(tasks[i]);
    out.probabilities_.push_back(probabilities[i] / total);
  }
  return out;
}

int task_mixture::scale_exponent() const {
  int largest = task(0).scale_exponent();
  for (std::size_t i = 1; i < tasks_.size(); ++i) largest = std::max(largest, task(i).scale_exponent());
  return largest;
}

task_mixture task_mixture::scaled(int exponent) const {
  constexpr int smallest = -1000;  // of what a double holds in full; such a task is nothing beside the others
  task_mixture out;
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    if (tasks_.size() > 1 && task(i).scale_exponent() + exponent < smallest) continue;
    out.tasks_.push_back(tasks_[i].scaled(exponent));
    out.probabilities_.push_back(probabilities_[i]);
  }
  return out;
}

}  // namespace cotscale
