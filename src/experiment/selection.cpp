#include "cotscale/experiment/selection.hpp"

#include <cstddef>
#include <mutex>
#include <numeric>

#include "cotscale/base/error.hpp"
#include "cotscale/base/output.hpp"
#include "cotscale/base/parallel.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/select/judged.hpp"
#include "cotscale/select/plain.hpp"
#include "cotscale/select/quadratic.hpp"

namespace cotscale {
namespace {

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

// From the quadratic programme's mixture and from every plain one, in the order of plain_mixture_names.
judged_solution solve_exact(const specification& spec, double hardness, std::int64_t n,
                            const std::vector<double>& quadratic, const std::vector<covariance>& tasks,
                            const covariance& target, const std::stop_token& stop) {
  const std::vector<std::vector<double>> starts{quadratic, uniform_mixture(tasks), easy_mixture(tasks),
                                                hard_mixture(tasks), relevant_mixture(tasks, target)};
  const selection_specification& s = spec.selection;
  const judged_problem problem{.candidates = tasks, .target = target, .n = static_cast<int>(n), .m = s.m, .k = s.k};
  const judged_options options{.samples = s.samples,
                               .max_samples = s.max_samples,
                               .training_key = selection_key(spec, hardness),
                               .fresh_key = fresh_selection_key(spec, hardness)};
  return select_judged(problem, starts, options, stop);
}

// Once of each kind in a run, since there may be thousands of cells.
void say_what_was_not_reached(const judged_solution& s, std::int64_t n) {
  static std::once_flag unsettled, steep;
  if (!s.settled) {
    std::call_once(unsettled, [&] {
      warn(
          "mixture exact, n = {}: {} draws (select.max_samples) do not suffice for an error of {:g} %; its objective "
          "is {:.3g} ± {:.2g}, the median {:.3g}; further ones are not reported",
          n, s.samples, 100 * selection_accuracy, s.value.objective, s.value.standard_error, s.value.median);
    });
  }
  if (s.stationarity > largest_stationarity) {
    std::call_once(steep, [&] {
      warn("mixture exact, n = {}: the descent ended with a slope of {:.2g}, not {:g}; further ones are not reported",
           n, s.stationarity, largest_stationarity);
    });
  }
}

selection_value stored(const judgement& j) {
  return {.objective = j.objective,
          .standard_error = j.standard_error,
          .median = j.median,
          .tail_share = j.tail_share,
          .training = j.training};
}

selection_record record_of(const quadratic_solution& quadratic, const judged_solution& exact,
                           const std::vector<covariance>& tasks, const covariance& target) {
  selection_record out;
  out.probability = {quadratic.probabilities, exact.probabilities};
  out.value = {stored(exact.starts.front()), stored(exact.value)};
  out.objective = {{{quadratic.objective, out.value[0].objective},
                    {quadratic_objective(tasks, target, exact.probabilities), out.value[1].objective}}};
  out.kkt_residual = quadratic.kkt_residual;
  for (std::size_t i = 0; i < out.plain.size(); ++i) out.plain[i] = stored(exact.starts[i + 1]);
  out.stationarity = exact.stationarity;
  out.descended = exact.descended;
  out.samples = exact.samples;
  out.fresh_samples = exact.fresh_samples;
  out.settled = exact.settled;
  return out;
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
  if (mixture == "relevant") return relevant_mixture(tasks, target);
  const std::vector<double> quadratic = select_quadratic(tasks, target, stop).probabilities;
  if (mixture == "selected") return quadratic;
  const judged_solution exact = solve_exact(spec, hardness, n, quadratic, tasks, target, stop);
  say_what_was_not_reached(exact, n);
  return exact.probabilities;
}

selection_results select_tasks(const specification& spec, const std::stop_token& stop) {
  const double hardness = spec.hardness.empty() ? 0 : spec.hardness.front();
  const covariance given_target = target_covariance(spec, hardness);
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
    const judged_solution exact =
        solve_exact(spec, hardness, spec.selection.n.value(), quadratic.probabilities, tasks, target, stop);
    out.draws.push_back(record_of(quadratic, exact, tasks, target));
  }
  return out;
}

}  // namespace cotscale
