// The distributions of prompts of a specification: its covariances, with what else a prompt has.
#include <utility>
#include <vector>

#include "cotscale/experiment/grid.hpp"

namespace cotscale {

prompt_distribution target_distribution(const specification& spec, covariance target) {
  return {std::move(target), spec.target.features, spec.noise, spec.weights};
}

prompt_distribution mixture_distribution(const specification& spec, const std::string& mixture,
                                         const covariance& target) {
  if (mixture == matched_mixture) return target_distribution(spec, target);
  const auto table = spec.mixture_tables.find(mixture);
  const auto features = table == spec.mixture_tables.end() ? features_beside(spec.target) : table->second.task.features;
  return {mixture_covariance(spec, mixture, target), features, spec.noise, spec.weights};
}

task_mixture candidate_mixture(const specification& spec, const candidate_tasks& candidates,
                               const std::vector<double>& probabilities) {
  std::vector<prompt_distribution> tasks;
  tasks.reserve(candidates.tasks.size());
  for (const covariance& task : candidates.tasks) {
    tasks.emplace_back(task, features_beside(spec.target), spec.noise, spec.weights);
  }
  return task_mixture::of(tasks, probabilities);
}

}  // namespace cotscale
