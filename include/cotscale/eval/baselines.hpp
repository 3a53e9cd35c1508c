// What other methods make of the same test prompts.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <stop_token>
#include <string_view>
#include <vector>

#include "cotscale/eval/roll_out.hpp"

namespace cotscale {

/// Where the best parameter stands in the grid that was tried: at its edge, a better one may lie beyond.
enum class edge_of_grid : std::int8_t { none = -1, inside = 0, at = 1 };

struct baseline_errors {
  error_table errors;  ///< rows k = 0 … steps for those that iterate; one row for those that do not
  double parameter = std::numeric_limits<double>::quiet_NaN();  ///< ridge: the penalty; gradient descent: the step size
  int unit = 0;                                                 ///< the parameter is in units of Σ to this power
  edge_of_grid edge = edge_of_grid::none;
};

/// What a baseline may know: the distribution of the prompts, never their weights.
struct baseline_setting {
  const prompt_distribution& test;
  int m;      ///< examples
  int steps;  ///< of those that iterate
};

/// One baseline at work: it sees all prompts as often as it asks to.
class baseline_run {  // NOLINT(cppcoreguidelines-special-member-functions)
 public:
  virtual ~baseline_run() = default;
  /// Errors that it wants of every prompt in the next pass; 0: it is done.
  virtual int rows() const = 0;
  /// Overwrites errors, (rows(), 8). Called from several threads at once.
  virtual void compute(const prompt_lanes& prompts, matrix& errors) const = 0;
  /// Takes what the pass gave.
  virtual void take(error_table table) = 0;
  /// Once it is done.
  virtual baseline_errors result() = 0;
};

/// A method with its name in the specification and in the file; none of them has keys.
struct baseline {
  std::string_view name, help;
  int version;       ///< raised when its numbers change
  bool needs_noise;  ///< without noise of labels it is another one
  std::unique_ptr<baseline_run> (*start)(const baseline_setting& setting);
};

/// All of them. Adding one is a file in eval/baselines and a line there; the order is that of the file's axis, so that
/// a new one comes last.
std::span<const baseline* const> baselines();

/// Those that say something of labels with noise, or without: without it, all that do not need it.
std::vector<const baseline*> baselines_for(bool noise);

/// Columns of the bidiagonal form of prompts of s·I, (d, m), that decide every baseline but those that iterate.
int baseline_columns(int d, int m);

/// Each of `chosen`, in that order; passes over the prompts are shared.
std::vector<baseline_errors> evaluate_baselines(std::span<const baseline* const> chosen,
                                                const baseline_setting& setting, const lane_source& source, int prompts,
                                                const std::stop_token& stop);

}  // namespace cotscale
