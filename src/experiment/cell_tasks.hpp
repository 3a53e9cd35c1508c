// What the cells of one specification are trained and tested on, and what theory knows of it: made when it is first
// asked for, and shared by the cells that have it in common.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <tuple>
#include <vector>

#include "cotscale/experiment/cell.hpp"
#include "cotscale/experiment/grid.hpp"
#include "cotscale/task/mixture.hpp"
#include "recent.hpp"

namespace cotscale::detail {

struct cell_tasks {
  struct target {
    prompt_distribution test;  // Σ in its own units
    int exponent = 0;
  };
  // Keys hold what a value depends on; `repeat` is −1 where it does not matter.
  using mixture_key = std::tuple<std::string, double, std::int64_t, std::int64_t>;  // mixture, hardness, n, repeat

  const specification& spec;
  const coordinates& grid;
  int most_draws;                     ///< of predictions
  std::function<bool()> out_of_time;  ///< of predictions

  /// Both are kept by reference.
  cell_tasks(const specification& s, const coordinates& g);

  /// The repeat, if what the mixture is made of depends on it.
  std::int64_t candidate_repeat(const cell& c) const;

  std::shared_ptr<const target> known_target(const cell& c);

  /// Of test prompts, Σ in its own units, as everything that is computed here (cell_units).
  std::shared_ptr<const prompt_distribution> target_of(const cell& c);

  /// The same in the specification's units.
  prompt_distribution given_target(const cell& c);

  std::shared_ptr<const candidate_tasks> candidates_of(const cell& c);

  /// Of the candidates, if the mixture is made of them; else empty.
  std::shared_ptr<const std::vector<double>> probabilities_of(const cell& c, const std::stop_token& stop);

  /// In the specification's units.
  task_mixture tasks_of(const cell& c, const std::stop_token& stop);

  std::shared_ptr<const mixture_theory> optimum_of(const cell& c, const std::stop_token& stop);

  std::shared_ptr<const cell_theory> theory_of(const cell& c, const std::stop_token& stop);

 private:
  recent_values<double, target> targets;
  recent_values<std::int64_t, std::shared_ptr<const candidate_tasks>> candidates{2};
  recent_values<mixture_key, std::vector<double>> probabilities{10'000};  // of candidates: dear to find, small
  recent_values<mixture_key, mixture_theory> optima;
  recent_values<mixture_key, cell_theory> theories;
};

}  // namespace cotscale::detail
