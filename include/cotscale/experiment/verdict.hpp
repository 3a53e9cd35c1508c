// Whether what a sweep measured is right: how many scores of its cells (experiment/scores.hpp) chance explains.
// Pure functions; docs/theory.md says why they are made so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "cotscale/experiment/grid.hpp"
#include "cotscale/experiment/scores.hpp"
#include "cotscale/experiment/specification.hpp"

namespace cotscale {

/// What a combination of varied keys is tested on.
struct test_sample {
  std::size_t set = 0;  ///< combinations with the same test prompts have the same number, from 0 on
  int prompts = 0;
  int draws = 0;  ///< of the null distributions
};

/// What the scores of a whole sweep are, row-major over (cells, stages, m, k), with as many k as each has.
struct sweep_scores {
  const coordinates* grid = nullptr;
  std::vector<char> counts;  ///< over (cells, stages): done, and training came to its end
  std::vector<double> exact_z, simulated_z, paired_distance;
  std::vector<double> tolerances;    ///< over (variants, models, stages); NaN: trained maps are not compared
  std::vector<test_sample> samples;  ///< over variants
};

/// The tolerances, test prompts and draws of a specification; the scores are still to be read.
sweep_scores scores_of(const specification& spec, const coordinates& grid);

/// Where a score stands.
struct score_place {
  std::size_t cell = 0, stage = 0, m = 0, k = 0;
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
  std::size_t compared = 0, differing = 0;  ///< of all cells and stages
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
