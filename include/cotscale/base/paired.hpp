// Which of several alternatives, all tried on the same draws, has the least mean, and which are not told apart from it.
#pragma once

#include <span>
#include <vector>

namespace cotscale {

/// One alternative against the best one, over the draws.
struct paired_difference {
  double mean = 0;            ///< of value − value of the best; NaN if a difference is not finite
  double standard_error = 0;  ///< of that mean; +inf if a difference is not finite, NaN for a single draw
  double z = 0;               ///< how many standard errors the mean is above 0 at least (paired_differences)
};

/// Rows hold the values of one alternative each, on the same draws and in the same order; `best` is the row with the
/// least mean, and the first of equal ones. Values may be +inf, but not those of the best.
///
/// A mean that a few draws rule is about as large as its own standard error, however many draws there are. Cutting
/// differences off from above, min(x, c), only makes the mean smaller, so a cut-off mean that is above 0 proves that
/// the mean is: z is the largest over the cut-offs none, and the 2nd, 4th, 8th, … largest difference. Nothing is cut
/// off from below. z = +inf where all differences are equal and not negative, the best itself among them, and where one
/// is +inf; 0 for a single draw.
std::vector<paired_difference> paired_differences(std::span<const std::span<const double>> rows, int best);

/// The z from which two alternatives count as told apart over so many draws: 4, and more where draws are few (Student's
/// t at the same probability, 6·10⁻⁵ two-sided, by the first terms of its expansion). Chosen so that it holds for
/// several looks at growing numbers of draws, and for all alternatives of a chain.
double told_apart(int draws);

/// The first and the last alternative that are not told apart from the best, which is one of them.
struct alternatives {
  int first = 0;
  int last = 0;
};
alternatives not_told_apart(std::span<const paired_difference> differences, int best, int draws);

}  // namespace cotscale
