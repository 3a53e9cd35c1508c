// Statistics of errors over test prompts, some of which may have diverged.
#pragma once

#include <span>

namespace cotscale {

/// A diverged error (+inf or NaN) counts as +inf: the mean is then +inf and so is its standard error, quantiles stay
/// finite while they can.
struct error_statistics {
  double mean = 0;
  double standard_error = 0;  ///< of the mean; NaN for a single prompt
  double median = 0;
  double q05 = 0;
  double q95 = 0;
  double diverged_share = 0;  ///< share of the errors that are not finite
};

/// Of at least one error; reorders them. Quantiles interpolate linearly between order statistics (type 7 of Hyndman and
/// Fan, 1996).
error_statistics summarise(std::span<double> errors);

}  // namespace cotscale
