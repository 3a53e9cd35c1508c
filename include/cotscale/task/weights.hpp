// Priors of the hidden weight w of a prompt. All have E[w] = 0 and E[w wᵀ] = I, which is all that moments, optimal
// preconditioners, one-step errors, limits and predictions need: they hold for every prior. The rest does not:
// `ridge_noise` is the Bayes estimate for Gaussian w only, and the spread of ‖w‖² depends on the prior (start_score).
//
// Keys: `[task] weights = "WORD"`, and with sparse `nonzero`.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
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
  virtual int version() const { return 1; }
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

/// w ~ N(0, I).
class gaussian_weights : public weight_prior {
 public:
  std::string_view word() const override { return "gaussian"; }
  std::string_view help() const override { return "w ~ N(0, I)"; }
  std::shared_ptr<weight_prior> clone() const override { return std::make_shared<gaussian_weights>(*this); }
  void identify(key_builder& key) const override { key.add(word()); }
  void shape(stream_key, std::uint64_t, std::span<double>) const override {}
  bool is_gaussian() const override { return true; }
};

/// s of the d coordinates, chosen uniformly, are N(0, d/s) each, and the others 0.
class sparse_weights : public weight_prior {
 public:
  int nonzero = 1;  ///< s, in 1 … d

  std::string_view word() const override { return "sparse"; }
  std::string_view help() const override {
    return "`nonzero` of the d coordinates, chosen uniformly, are N(0, d/`nonzero`) each, the others 0";
  }
  std::shared_ptr<weight_prior> clone() const override { return std::make_shared<sparse_weights>(*this); }
  void keys(config::keys& k) override;
  void identify(key_builder& key) const override { key.add(word()).add(nonzero); }
  void require_dimension(int d) const override;
  void shape(stream_key key, std::uint64_t index, std::span<double> w) const override;
  int degrees(int) const override { return nonzero; }
};

struct weight_part {
  std::string_view word, help;
  std::unique_ptr<weight_prior> (*make)();
};

/// All of them. Adding one is a file in task/weights and a line there.
std::span<const weight_part> weight_parts();

/// One of each with the defaults of its members, in that order, for specifications to choose from.
std::span<const weight_prior* const> chosen_weights();

/// N(0, I), shared by all who do not say otherwise.
std::shared_ptr<const weight_prior> normal_weights();

}  // namespace cotscale
