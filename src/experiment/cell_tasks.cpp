#include "cell_tasks.hpp"

#include <limits>
#include <utility>

#include "cotscale/base/parallel.hpp"
#include "cotscale/experiment/selection.hpp"
#include "cotscale/experiment/theory_draws.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/linalg/lapack.hpp"
#include "cotscale/theory/closed_forms.hpp"
#include "cotscale/theory/prediction.hpp"

namespace cotscale::detail {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

}  // namespace

cell_tasks::cell_tasks(const specification& s, const coordinates& g)
    : spec(s),
      grid(g),
      most_draws(most_draws_beside_prompts(s)),
      targets(room_for(3.0 * matrix_side(s) * matrix_side(s), 64)),
      optima(room_for(3.0 * matrix_side(s) * matrix_side(s) + 2.0 * s.steps, 256)),
      theories(room_for(3.0 * matrix_side(s) * matrix_side(s) + 8.0 * static_cast<double>(s.m.size()) * s.steps, 256)) {
}

std::int64_t cell_tasks::candidate_repeat(const cell& c) const {
  const bool drawn = spec.tasks.source == tasks_specification::kind::generated;
  return drawn && depends_on_candidates(spec, c.mixture) ? c.repeat : -1;
}

std::shared_ptr<const cell_tasks::target> cell_tasks::known_target(const cell& c) {
  return targets.get(c.hardness, [&]() -> target {
    const covariance given = target_covariance(spec, c.hardness);
    const int exponent = given.scale_exponent();
    return {target_distribution(spec, given).scaled(-exponent), exponent};
  });
}

std::shared_ptr<const prompt_distribution> cell_tasks::target_of(const cell& c) {
  const std::shared_ptr<const target> known = known_target(c);
  return {known, &known->test};
}

prompt_distribution cell_tasks::given_target(const cell& c) {
  const std::shared_ptr<const target> known = known_target(c);
  return known->test.scaled(known->exponent);
}

std::shared_ptr<const candidate_tasks> cell_tasks::candidates_of(const cell& c) {
  return *candidates.get(candidate_repeat(c), [&] { return make_candidates(spec, c.repeat); });
}

std::shared_ptr<const std::vector<double>> cell_tasks::probabilities_of(const cell& c, const std::stop_token& stop) {
  const mixture_key key{c.mixture, c.hardness, c.mixture == "exact" ? c.n : -1, candidate_repeat(c)};
  return probabilities.get(key, [&] {
    if (!depends_on_candidates(spec, c.mixture)) return std::vector<double>();
    return candidate_probabilities(spec, c.mixture, *candidates_of(c), given_target(c).lambda, c.hardness, c.n, stop);
  });
}

task_mixture cell_tasks::tasks_of(const cell& c, const std::stop_token& stop) {
  if (!depends_on_candidates(spec, c.mixture)) {
    return task_mixture(mixture_distribution(spec, c.mixture, given_target(c).lambda));
  }
  return candidate_mixture(spec, *candidates_of(c), *probabilities_of(c, stop));
}

std::shared_ptr<const mixture_theory> cell_tasks::optimum_of(const cell& c, const std::stop_token& stop) {
  return optima.get({c.mixture, c.hardness, c.n, candidate_repeat(c)}, [&] {
    const task_mixture given = tasks_of(c, stop);
    const std::shared_ptr<const prompt_distribution> test = target_of(c);
    const covariance& sigma = test->lambda;
    const blas_threads scope(threads_of_blas(spec));
    mixture_theory out;
    out.units = {.target = known_target(c)->exponent, .mixture = given.scale_exponent()};
    const task_mixture tasks = given.scaled(-out.units.mixture);
    out.optimum = trained_preconditioner(tasks, static_cast<int>(c.n));
    out.directions = tasks.size() == 1 && tasks.distribution(0).features->shape() ? tasks.task(0).basis()
                                                                                  : right_singular_vectors(out.optimum);
    out.preconditioner = times_power_of_two(out.optimum, out.units.target - out.units.mixture);
    out.limit = limit_errors(out.preconditioner, sigma, spec.steps, stop);
    const bool matched = tasks.size() == 1 && test->is_plain() && tasks.distribution(0).is_plain() &&
                         out.units.target == out.units.mixture && tasks.task(0).values() == sigma.values();
    out.bound = matched ? matched_bounds(spec.d, static_cast<int>(c.n), sigma.hardness(), spec.steps)
                        : std::vector<double>(static_cast<std::size_t>(spec.steps) + 1, nan);
    out.spectral_radius = limit_spectral_radius(out.preconditioner, sigma);
    return out;
  });
}

std::shared_ptr<const cell_theory> cell_tasks::theory_of(const cell& c, const std::stop_token& stop) {
  return theories.get({c.mixture, c.hardness, c.n, candidate_repeat(c)}, [&] {
    cell_theory out{*optimum_of(c, stop), {}};
    const prediction_draws draws{spec.theory_draws, most_draws, spec.theory_rarest, out_of_time};
    for (const std::int64_t m : grid.m) {
      if (spec.theory_draws == 0) break;
      out.predictions.push_back(predict_chain(out.preconditioner, *target_of(c), static_cast<int>(m), spec.steps, draws,
                                              prediction_key(spec, c.hardness, m), stop));
    }
    return out;
  });
}

}  // namespace cotscale::detail
