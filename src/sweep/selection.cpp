#include "cotscale/sweep/selection.hpp"

#include <cmath>
#include <numeric>

#include "cotscale/base/error.hpp"
#include "cotscale/base/parallel.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/select/exact.hpp"
#include "cotscale/select/plain.hpp"
#include "cotscale/select/quadratic.hpp"
#include "cotscale/task/wishart.hpp"

namespace cotscale {
namespace {

// Wishart draws of the target's sample covariance stand for the expectation; Σ itself, once, is the limit m → ∞.
std::vector<matrix> selection_samples(const specification& spec, const covariance& target, double hardness) {
  const selection_specification& s = spec.selection;
  if (std::isinf(s.m)) return {target.values()};
  return sample_covariances(target, static_cast<int>(s.m), s.samples, selection_key(spec, hardness));
}

struct common_units {
  std::vector<covariance> tasks;
  covariance target;
};

// Both in the target's own units (cell_units), so that a common factor does not matter.
common_units in_common_units(const std::vector<covariance>& tasks, const covariance& target) {
  require_comparable(tasks, target);
  const int exponent = -target.scale_exponent();
  common_units out{.tasks = {}, .target = target.scaled(exponent)};
  for (const covariance& task : tasks) out.tasks.push_back(task.scaled(exponent));
  return out;
}

// Descends from the quadratic programme's mixture and from every plain one.
exact_solution solve_exact(const exact_problem& problem, const std::vector<double>& quadratic,
                           const std::vector<covariance>& tasks, const covariance& target,
                           const std::stop_token& stop) {
  const std::vector<std::vector<double>> starts{quadratic, uniform_mixture(tasks), easy_mixture(tasks),
                                                hard_mixture(tasks), relevant_mixture(tasks, target)};
  return select_exact(problem, starts, {}, stop);
}

}  // namespace

std::vector<double> candidate_probabilities(const specification& spec, const std::string& mixture,
                                            const candidate_tasks& candidates, const covariance& given_target,
                                            double hardness, std::int64_t n, const std::stop_token& stop) {
  if (mixture == "uniform") return uniform_mixture(candidates.tasks);
  if (mixture == "easy") return easy_mixture(candidates.tasks);
  if (mixture == "hard") return hard_mixture(candidates.tasks);
  if (!is_candidate_mixture(mixture)) {
    std::vector<double> given = spec.mixture_tables.at(mixture).probabilities;
    const double total = std::accumulate(given.begin(), given.end(), 0.0);
    for (double& p : given) p /= total;
    return given;
  }
  const auto [tasks, target] = in_common_units(candidates.tasks, given_target);
  if (mixture == "selected") return select_quadratic(tasks, target, stop).probabilities;
  if (mixture == "relevant") return relevant_mixture(tasks, target);
  const std::vector<matrix> samples = selection_samples(spec, target, hardness);
  const exact_problem problem(tasks, samples, static_cast<int>(n), spec.selection.k);
  return solve_exact(problem, select_quadratic(tasks, target, stop).probabilities, tasks, target, stop).probabilities;
}

selection_results select_tasks(const specification& spec, const std::stop_token& stop) {
  const double hardness = spec.hardness.empty() ? 0 : spec.hardness.front();
  const covariance given_target = target_covariance(spec, hardness);
  const std::vector<matrix> samples =
      selection_samples(spec, given_target.scaled(-given_target.scale_exponent()), hardness);
  const auto n = static_cast<int>(spec.selection.n.value());
  selection_results out;
  out.has_draw_axis = spec.tasks.source == tasks_specification::kind::generated;
  for (int draw = 0; draw < (out.has_draw_axis ? spec.selection.draws : 1); ++draw) {
    const auto candidates = make_candidates(spec, draw);
    const auto [tasks, target] = in_common_units(candidates->tasks, given_target);
    if (draw == 0) {
      out.tasks = candidates->names;
      for (const covariance& task : candidates->tasks) {
        out.hardness.push_back(task.hardness());
        out.support_hardness.push_back(task.support_hardness());
      }
    }
    quadratic_solution quadratic;
    {
      const blas_threads all(thread_count());  // one Gram matrix of all tasks
      quadratic = select_quadratic(tasks, target, stop);
    }
    const blas_threads one(1);
    const exact_problem problem(tasks, samples, n, spec.selection.k);
    const exact_solution exact = solve_exact(problem, quadratic.probabilities, tasks, target, stop);
    out.draws.push_back({.probability = {quadratic.probabilities, exact.probabilities},
                         .objective = {{{quadratic.objective, problem.objective(quadratic.probabilities)},
                                        {quadratic_objective(tasks, target, exact.probabilities), exact.objective}}},
                         .kkt_residual = quadratic.kkt_residual});
  }
  return out;
}

}  // namespace cotscale
