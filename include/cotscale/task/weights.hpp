// Priors of the hidden weight w of a prompt. All have E[w] = 0 and E[w wᵀ] = I, which is all that moments, optimal
// preconditioners, one-step errors, limits and predictions need: they hold for every prior. The rest does not:
// `ridge_noise` is the Bayes estimate for Gaussian w only, and the spread of ‖w‖² depends on the prior (start_score).
//
// Keys: `[task] weights = "WORD"`, then those that the prior declares.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "cotscale/base/random.hpp"
#include "cotscale/config/keys.hpp"

namespace cotscale {

class weight_prior {  // NOLINT(cppcoreguidelines-special-member-functions)
 public:
  virtual ~weight_prior() = default;
  virtual std::string_view word() const = 0;
  virtual std::string_view help() const = 0;
  virtual std::shared_ptr<weight_prior> clone() const = 0;
  /// Those of its members.
  virtual void keys(config::keys&) {}
  virtual int version() const = 0;  ///< raised when its numbers change
  virtual void identify(key_builder& key) const = 0;
  /// Throws specification_error where there is no such prior in d dimensions.
  virtual void require_dimension(int) const {}

  /// Makes w of the d independent standard normal numbers that it is given; what else it takes comes from keys derived
  /// from `key`. `index` is the prompt's.
  virtual void shape(stream_key key, std::uint64_t index, std::span<double> w) const = 0;
  /// ‖w‖² is d/s times a χ² of s degrees of freedom.
  virtual int degrees(int d) const { return d; }
  virtual bool is_gaussian() const { return false; }
};

/// All there are, with the defaults of their members, in the order of the documentation.
std::span<const weight_prior* const> all_weights();

/// One of them by its word, with the values of its keys as lines of TOML (config/named_part.hpp).
std::shared_ptr<const weight_prior> weights_named(std::string_view word, const std::string& values = "");

/// N(0, I), shared by all who do not say otherwise.
std::shared_ptr<const weight_prior> normal_weights();

}  // namespace cotscale
