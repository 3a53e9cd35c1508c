// What a sweep computes, as its TOML file says (docs/specification.md), with every default filled in.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cotscale/task/covariance.hpp"

namespace cotscale {

enum class rotation : std::uint8_t { none, shared, independent };

/// The keys of `[target]` and of `[mixtures.NAME]`.
struct covariance_specification {
  enum class kind : std::uint8_t { power_law, list, file };
  std::optional<kind> spectrum;              ///< none: Σ follows the hardness axis
  double exponent = 0;                       ///< of the power law
  std::vector<double> eigenvalues;           ///< of the list
  std::string file;                          ///< as written; relative to the specification's directory
  std::string sha256;                        ///< of the file's contents
  std::shared_ptr<const covariance> stored;  ///< what the file holds, read once
  bool scale_to_trace = false;               ///< multiply so that the trace is d
  rotation basis = rotation::none;
};

enum class training_method : std::uint8_t { population, closed_form };
enum class roll_out_method : std::uint8_t { recursion, definition };

/// The keys of `[models.NAME]`.
struct model_specification {
  std::string architecture = "lsa";
  std::string objective = "direct";
  training_method training = training_method::population;
  roll_out_method roll_out = roll_out_method::recursion;
  double c = 1;
  double tolerance = 1e-10;
  std::int64_t max_steps = 1'000'000;
  std::optional<double> step_size;
};

/// Mixtures that exist without a `[mixtures.NAME]`.
inline constexpr std::string_view matched_mixture = "matched";
inline constexpr std::string_view isotropic_mixture = "isotropic";
inline constexpr std::string_view skewed_mixture = "skewed";

struct specification {
  std::string name;
  std::int64_t seed = 0;
  std::vector<std::string> models;
  std::vector<std::string> mixtures;
  std::vector<double> hardness;  ///< empty if `[target]` has a spectrum of its own
  std::vector<std::int64_t> n;
  int repeats = 1;
  int d = 0;
  int steps = 0;  ///< `[test] k`
  std::vector<std::int64_t> m;
  int prompts = 0;
  covariance_specification target;
  std::map<std::string, model_specification> model_tables;         ///< of the names in `models`
  std::map<std::string, covariance_specification> mixture_tables;  ///< of the names in `mixtures` that are not built in
  std::filesystem::path directory;                                 ///< that relative file names start from
};

/// The words that stand for them in a specification; random numbers are keyed by the words.
const std::string& word_of(covariance_specification::kind kind);
const std::string& word_of(rotation basis);

/// `key=value` of `--set`; the value is TOML, or a plain word.
struct override_key {
  std::string key;
  std::string value;
};

/// Parses `KEY=VALUE`; throws specification_error if there is no `=`.
override_key parse_override(const std::string& text);

/// Parses, applies the overrides and validates. `source` names the text in messages. Throws specification_error with
/// all problems that were found, each with its key and line.
specification parse_specification(const std::string& text, const std::string& source,
                                  const std::filesystem::path& directory,
                                  const std::vector<override_key>& overrides = {});

/// The same from a file; throws io_error if it cannot be read.
specification load_specification(const std::string& path, const std::vector<override_key>& overrides = {});

/// The whole specification as TOML: every key that has an effect, defaults included, in a fixed order. Parses to the
/// same specification.
std::string to_toml(const specification& spec);

/// Lines "key: stored … → now …" for every key in which two texts of to_toml() differ; empty if there is none.
std::vector<std::string> differences(const std::string& stored_toml, const std::string& current_toml);

}  // namespace cotscale
