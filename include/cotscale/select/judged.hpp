// The exact problem of task selection where its expectation must be estimated: solved on draws, judged on others.
#pragma once

#include <cstdint>
#include <span>
#include <stop_token>
#include <vector>

#include "cotscale/base/random.hpp"
#include "cotscale/select/exact.hpp"

namespace cotscale {

/// What is to be selected, and for what. Spans and references are kept.
struct judged_problem {
  std::span<const covariance> candidates;
  const covariance& target;
  int n = 1;     ///< examples in a training prompt
  double m = 1;  ///< in a test prompt, a whole number or +inf
  int k = 1;     ///< steps of the chain
};

struct judged_options {
  int samples = 16;                    ///< draws that the first descent sees
  int max_samples = 16;                ///< at most so many, and at most so many fresh ones; ≥ samples
  stream_key training_key, fresh_key;  ///< of either kind of draws; draw i is a function of (key, i)
  exact_options descent = {};
};

/// The relative error that is asked for.
inline constexpr double selection_accuracy = 0.01;

/// E‖(I − A_π Ŝ)^k‖_F² of a mixture, by draws that no descent has seen.
struct judgement {
  double objective = 0;       ///< their mean, or the expectation itself where it is known (m = ∞, k = 1)
  double standard_error = 0;  ///< of it; 0 where it is known; +inf with the mean
  double median = 0;          ///< over the draws; the objective for m = ∞
  double tail_share =
      0;  ///< what the hundredth of the draws with the largest errors contributes to their mean; 0 for m = ∞
  double training = 0;  ///< the objective on the draws that the last descent saw
};

/// Above this share a few draws rule the mean: it says little of most prompts then, and its standard error is too
/// small.
inline constexpr double rare_tail_share = 0.5;

struct judged_solution {
  std::vector<double> probabilities;  ///< π (T)
  double stationarity = 0;            ///< of the last descent's end, on its draws; see stationarity_of()
  bool descended = false;             ///< whether π is that end, not one of the starts
  judgement value;
  std::vector<judgement> starts;  ///< the same of each start
  int samples = 0;                ///< draws that the last descent saw; none where the expectation is known
  int fresh_samples = 0;          ///< draws that judged it; none for m = ∞
  bool settled = false;  ///< the objectives on both agree within selection_accuracy or two standard errors, and each
                         ///< standard error is at most selection_accuracy; otherwise the cap was reached
};

/// Solves the exact problem on `samples` draws, then on more, until the objective there and on fresh draws agree and
/// the standard error of both is at most selection_accuracy of it, or either set has max_samples draws; and on more
/// yet, up to max_samples, while a start is better on the fresh draws by more than two standard errors of the
/// difference. Where the expectation is known no draws stand for it. Of the last descent's point and the starts the
/// result is what is least on the fresh draws (in expectation where that is known): never worse than any start there.
/// The choice is among that handful only, so that the value stays unbiased up to a fraction of its standard error.
/// Throws stopped.
judged_solution select_judged(const judged_problem& problem, std::span<const std::vector<double>> starts,
                              const judged_options& options, const std::stop_token& stop);

}  // namespace cotscale
