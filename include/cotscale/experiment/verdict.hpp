// Whether what was measured is right: per cell, scores of its errors; at the end, how many of them chance explains.
// Pure functions; docs/theory.md says why they are made so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "cotscale/eval/roll_out.hpp"
#include "cotscale/experiment/grid.hpp"
#include "cotscale/experiment/specification.hpp"
#include "cotscale/theory/null_distribution.hpp"

namespace cotscale {

/// The trained and the exact map are rolled out on the same prompts for so many steps.
inline constexpr int paired_steps = 3;

/// Over k = 0 … steps; NaN where nothing is compared.
struct error_scores {
  std::vector<double> exact_z, simulated_z;
  std::vector<double> paired_difference, paired_stderr, paired_distance;
};

/// Of the errors of one m. Rows 0 … steps of `errors` are the chain's; if there are more, rows steps + 1 … are the
/// errors of the exact map on the same prompts, k = 0 … min(steps, paired_steps). `null` may be null: then only k = 0
/// has a score. `tolerance` is what the trained map may be off, relative. ‖w‖² has `degrees`
/// degrees of freedom (weight_prior::degrees). Does not change the errors.
error_scores score_errors(error_table& errors, int steps, int d, const null_distribution* null, double tolerance,
                          int degrees);

/// Of the number `m` of the m axis.
void store_scores(const error_scores& scores, std::size_t m, cell_values& out);

/// The largest paired_distance at k of a map whose every direction is off by `tolerance`, relative, at most.
double allowed_distance(double tolerance, int k);

/// What the map of a trained model may be off in each direction, relative to the optimum; NaN where it is learned from
/// samples, and may be off by as much as they are few.
double map_tolerance(const model_specification& model);

/// What the scores of a whole sweep are, row-major over (cells, m, k), with as many k as each has.
struct sweep_scores {
  const coordinates* grid = nullptr;
  std::vector<char> counts;  ///< over cells: done, and training came to its end
  std::vector<double> exact_z, simulated_z, paired_distance;
  std::vector<double> tolerances;  ///< over (variants, models); NaN: trained maps are not compared
  /// Combinations of varied keys that have the same test prompts have the same number, from 0 on; over variants.
  std::vector<std::size_t> prompts_of_variant{0};
  int prompts = 0;
  int draws = 0;  ///< of the null distributions
};

/// The tolerances, test prompts and draws of a specification; the scores are still to be read.
sweep_scores scores_of(const specification& spec, const coordinates& grid);

/// Where a score stands.
struct score_place {
  std::size_t cell = 0, m = 0, k = 0;
};

/// Decisions of one kind, each with the same chance of flagging what is right.
struct decisions {
  std::size_t made = 0, flagged = 0;
  double expected = 0;    ///< flags that chance gives
  std::size_t limit = 0;  ///< in 99 of 100 right sweeps there are no more
  double smallest_p = 1;  ///< of all decisions
  double score = 0;       ///< the score behind it
  score_place where;
  /// More flags than chance gives, or one that it never gives.
  bool alarming() const;
};

struct trained_maps {
  std::size_t compared = 0, differing = 0;  ///< cells
  double ratio = 0;                         ///< the largest paired_distance over what is allowed
  score_place where;
};

inline constexpr double flag_level = 0.01;

struct sweep_verdict {
  decisions first;     ///< a decision a set of test prompts, (hardness, repeat, m): exact_z, all cells that share them
  decisions repeated;  ///< a decision a (hardness, m): all steps, repeats taken together
  trained_maps maps;
};

sweep_verdict judge(const sweep_scores& scores);

/// Two-sided p-value of a standard normal score.
double p_value(double score);

/// The smallest count that `trials` independent events of probability p exceed with a probability of at most `tail`.
std::size_t binomial_limit(std::size_t trials, double p, double tail);

}  // namespace cotscale
