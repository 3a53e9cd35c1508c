// What examples look like: distributions of features x with a given covariance Λ = E[x xᵀ].
//
// Keys that choose them: `features = "WORD"` in [target], and in [mixtures.NAME] (default: the target's, and gaussian
// where the target's are rows), then those that the distribution declares.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "cotscale/base/random.hpp"
#include "cotscale/config/keys.hpp"
#include "cotscale/task/covariance.hpp"

namespace cotscale {

/// F = square·Λ² + trace·tr(Λ)·Λ: of distributions that know no directions but Λ's.
struct fourth_moment_shape {
  double square = 2;  ///< Gaussian: Isserlis' theorem
  double trace = 1;
};

/// Draws the examples of prompts.
class example_sampler {  // NOLINT(cppcoreguidelines-special-member-functions)
 public:
  virtual ~example_sampler() = default;
  /// Overwrites x, (d, m), with one example a column. A function of (key, index) and the shape only. Of the stream
  /// (key, 2·index) it takes nothing: those are the weights.
  virtual void draw(stream_key key, std::uint64_t index, matrix& x) const = 0;
};

/// A distribution of features with E[x xᵀ] = Λ for any Λ, or for multiples of one of its own (rows of a data set).
class feature_distribution {  // NOLINT(cppcoreguidelines-special-member-functions)
 public:
  virtual ~feature_distribution() = default;

  virtual std::string_view word() const = 0;
  virtual std::string_view help() const = 0;
  virtual std::shared_ptr<feature_distribution> clone() const = 0;
  /// Those of its members.
  virtual void keys(config::keys&) {}
  /// What only a reader does, after all keys: it reads files, whose names start from `directory`. d is 0 where that is
  /// wrong.
  virtual void settle(config::keys&, int /*d*/, const std::filesystem::path& /*directory*/) {}
  virtual int version() const = 0;  ///< raised when its numbers change
  /// Adds the word and what else determines the numbers.
  virtual void identify(key_builder& key) const = 0;

  /// Of F = E[‖x‖² x xᵀ]; nothing where F has directions of its own.
  virtual std::optional<fourth_moment_shape> shape() const = 0;
  /// F, (d, d). (science: E[Ŝ²] = (1 − 1/n) Λ² + F/n for n examples)
  virtual matrix fourth_moment(const covariance& lambda) const;

  /// Whether Λ is theirs, so that it can be scaled, but neither chosen nor rotated.
  virtual bool owns_covariance() const { return false; }
  /// That Λ, (d, d), of what owns one and was settled.
  virtual const covariance& own_covariance() const;
  /// Bytes of what it keeps of a file.
  virtual std::uint64_t bytes() const { return 0; }

  /// Whether n·Ŝ is Wishart, and may be drawn without examples.
  virtual bool is_gaussian() const { return false; }
  /// Whether any min(d, m) examples in Λ's range are independent with probability one.
  virtual bool has_density() const { return true; }
  /// Whether the error of one step, of fourth order in x squared, has a finite variance.
  virtual bool has_finite_variance() const { return true; }

  /// Throws specification_error where this Λ cannot be had.
  virtual std::unique_ptr<const example_sampler> sampler(const covariance& lambda) const = 0;
};

/// All there are, with the defaults of their members, in the order of the documentation.
std::span<const feature_distribution* const> all_features();

/// One of them by its word, with the values of its keys as lines of TOML (config/named_part.hpp).
std::shared_ptr<const feature_distribution> features_named(std::string_view word, const std::string& values = "");

/// Settles what was chosen, where there is a reader.
void settle(config::keys& k, std::shared_ptr<const feature_distribution>& chosen, int d,
            const std::filesystem::path& directory);

/// x ~ N(0, Λ), shared by all who do not say otherwise.
std::shared_ptr<const feature_distribution> gaussian_features();

}  // namespace cotscale
