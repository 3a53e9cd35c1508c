// What the errors of a right roll-out look like over few prompts or many: the null distribution that measured errors
// are held against.
#pragma once

#include <optional>
#include <stop_token>
#include <vector>

#include "cotscale/base/random.hpp"
#include "cotscale/task/lane_sampler.hpp"

namespace cotscale {

/// Of r_k = ‖w_k − w‖²/‖w‖² over prompts, w_k − w = −(I − AŜ)^k w. Dividing by ‖w‖² takes the spread of ‖w‖ out and
/// leaves E[r_k] = E‖w_k − w‖²/d, since the direction of w does not depend on its length. With noise of labels it would
/// not, and r_k is ‖w_k − w‖²/d (`relative`).
struct null_distribution {
  bool relative = true;         ///< whether r_k is relative to ‖w‖², else to d
  bool finite_variance = true;  ///< of r_1; if not, there is no `deviation` (NaN), and exact_score is NaN
  int draws = 0;                ///< that everything but `mean` is estimated from
  // Of r_1: the exact mean, and central moments about it. `deviation` is 0 if no step was taken.
  double mean = 0, deviation = 0, skewness = 0, kurtosis = 3;
  struct step {
    int k = 0;
    double centre = 0;               ///< c, the median of r_k
    double mean = 0, deviation = 0;  ///< of the score r_k/(r_k + c)
  };
  std::vector<step> steps;  ///< in the order of compared_steps(); without those whose median is 0 or infinite
};

/// The steps that are compared with simulated ones: 1, 2, 4, 8, 16, as far as there are so many.
inline constexpr int most_compared_steps = 16;
std::vector<int> compared_steps(int steps);

/// Dimensions up to which Wishart matrices stand for prompts of a Σ that is held as a scalar.
inline constexpr int most_of_small_isotropic = 64;

/// How many draws are worth it: as many more than prompts, or as few, as keeps the work small beside a cell's. A
/// multiple of 8.
int null_draws(int d, int prompts);

/// Independent prompts of m examples of the test distribution; small ones are kept, since
/// many preconditioners are tried on the same. The random numbers depend on `key` only. Where Σ is held as a scalar
/// they are Wishart matrices up to d = 64, so that they check bidiagonal roll-outs, and of that form beyond.
class null_prompts {
 public:
  /// `draws` ≥ 1, rounded up to a multiple of 8.
  null_prompts(prompt_distribution test, int m, int draws, stream_key key);

  const prompt_distribution& distribution() const { return test_; }
  const covariance& sigma() const { return test_.lambda; }
  int examples() const { return m_; }
  int blocks() const { return blocks_; }
  /// Eight prompts; they may be put into `scratch`.
  const prompt_lanes& block(int i, prompt_lanes& scratch) const;

 private:
  prompt_distribution test_;
  int m_;
  std::optional<lane_sampler> source_;
  std::optional<bidiagonal_source> isotropic_;  // instead
  int blocks_;
  std::vector<prompt_lanes> kept_;
};

/// Of the chain with preconditioner A, (d, d), or (1, 1) for a multiple of I, iterated here by plain loops, apart from
/// the code of roll-outs. Throws stopped when asked to stop.
null_distribution simulate_null(const matrix& preconditioner, const null_prompts& prompts, int steps,
                                const std::stop_token& stop);

/// x/(x + c), in [0, 1] however heavy the tail of x ≥ 0 is; an infinite or undefined x scores 1.
double bounded_score(double x, double centre);

// Scores that are standard normal if the roll-out is right. All are signed: above 0, the errors are too large.

/// Of the mean of ‖w‖² over `prompts` prompts, d/s times a χ² of s = `degrees` degrees of freedom each
/// (weight_prior::degrees): d of w ~ N(0, I_d). (Wilson and Hilferty 1931)
double start_score(double mean, int d, int prompts, int degrees);
double start_score(double mean, int d, int prompts);

/// Of the mean of r_1 over so many prompts, against the exact mean, with the null's deviation and skewness (the mean as
/// a shifted χ²). Differences below `slack` count as 0. NaN for fewer than 1000 prompts, where their mean is too skewed
/// to be judged, or does not vary. +inf for a mean that is not finite, of however few prompts.
double exact_score(const null_distribution& null, double mean, int prompts, double slack);

/// Of the mean of bounded_score(r_k) over so many prompts; its variance has a part of the draws' and one of the
/// prompts'.
double simulated_score(const null_distribution& null, const null_distribution::step& step, double mean, int prompts);

}  // namespace cotscale
