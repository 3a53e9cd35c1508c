// The distributions of prompts of a specification: its covariances, with what else a prompt has.
#include <utility>
#include <vector>

#include "cotscale/experiment/grid.hpp"

namespace cotscale {

prompt_distribution target_distribution(const specification& spec, covariance target) {
  return {std::move(target), gaussian_features(), spec.noise};
}

prompt_distribution mixture_distribution(const specification& spec, const std::string& mixture,
                                         const covariance& target) {
  return {mixture_covariance(spec, mixture, target), gaussian_features(), spec.noise};
}

task_mixture candidate_mixture(const specification& spec, const candidate_tasks& candidates,
                               const std::vector<double>& probabilities) {
  std::vector<prompt_distribution> tasks;
  tasks.reserve(candidates.tasks.size());
  for (const covariance& task : candidates.tasks) tasks.emplace_back(task, gaussian_features(), spec.noise);
  return task_mixture::of(tasks, probabilities);
}

}  // namespace cotscale
