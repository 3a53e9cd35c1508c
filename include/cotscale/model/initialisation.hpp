// How large the random weights are that a transformer begins with: a part each in src/model/initialisations, listed in
// parts.cpp there.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cotscale/base/random.hpp"
#include "cotscale/config/keys.hpp"
#include "cotscale/model/gpt2.hpp"

namespace cotscale {

class initialisation_scheme {
 public:
  virtual ~initialisation_scheme() = default;
  virtual std::string_view word() const = 0;
  virtual std::string_view help() const = 0;
  /// The distributions of all matrices, in symbols.
  virtual std::string_view formula() const = 0;
  virtual std::shared_ptr<initialisation_scheme> clone() const = 0;
  /// It is raised when the numbers change that the same keys stand for.
  virtual int version() const = 0;
  virtual void keys(config::keys&) {}

  /// The standard deviation of the initial values of a tensor of two dimensions in a model of this configuration; their
  /// mean is 0. Gains, of one dimension, are 1 with every scheme, and biases 0.
  virtual double deviation(const gpt2_tensor& tensor, const gpt2_configuration& configuration) const = 0;

 protected:
  initialisation_scheme() = default;
  initialisation_scheme(const initialisation_scheme&) = default;
  initialisation_scheme& operator=(const initialisation_scheme&) = default;
};

/// All there are, in the order of the documentation.
std::span<const initialisation_scheme* const> all_initialisations();

/// The one of that word; `values` are its keys, as lines of TOML. Throws specification_error for what a specification
/// could not say either.
std::shared_ptr<const initialisation_scheme> initialisation_named(std::string_view word,
                                                                  const std::string& values = {});

/// Initial values of all parameters. A tensor's numbers are those of (key, its name): whatever the scheme, they are the
/// same standard normal numbers, times its deviation.
std::vector<float> initial_gpt2(const gpt2_layout& layout, const initialisation_scheme& scheme, stream_key key);

}  // namespace cotscale
