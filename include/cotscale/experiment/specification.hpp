// What a sweep computes, as its TOML file says (docs/specification.md), with every default filled in.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cotscale/architecture/sequence_model.hpp"
#include "cotscale/config/keys.hpp"
#include "cotscale/config/named_file.hpp"
#include "cotscale/config/overrides.hpp"
#include "cotscale/task/covariance_files.hpp"
#include "cotscale/task/features.hpp"
#include "cotscale/task/spectra.hpp"
#include "cotscale/task/weights.hpp"

namespace cotscale {
namespace detail {
class initial_weights_file;
}

enum class rotation : std::uint8_t { none, shared, independent };

/// The keys of `[target]` and of `[mixtures.NAME]`.
struct covariance_specification {
  /// Null: that of the features, if they own one; else of the target, Σ follows the hardness axis, and of a mixture it
  /// is the target's.
  std::shared_ptr<const cotscale::spectrum> spectrum;
  bool scale_to_trace = false;  ///< multiply so that the trace is d
  rotation basis = rotation::none;
  std::shared_ptr<const feature_distribution> features = gaussian_features();
};

/// Whether the target needs no hardness: it has a spectrum, or its features own a covariance.
inline bool has_own_covariance(const covariance_specification& target) {
  return target.spectrum != nullptr || target.features->owns_covariance();
}

/// Features of another covariance than the target's that does not say which: the target's, or Gaussian where these own
/// theirs.
inline std::shared_ptr<const feature_distribution> features_beside(const covariance_specification& target) {
  return target.features->owns_covariance() ? gaussian_features() : target.features;
}

/// The keys of `[mixtures.NAME]`: a task, or how likely each of the candidates is.
struct mixture_specification {
  covariance_specification task;
  std::vector<double> probabilities;  ///< over the candidates of `[tasks]`; empty: the task
};

/// The keys of `[tasks]`.
struct tasks_specification {
  enum class kind : std::uint8_t { none, file, generated };
  kind source = kind::none;
  config::named_file file;
  std::shared_ptr<const candidate_tasks> stored;  ///< what the file holds, read once
  std::vector<double> exponents;                  ///< α: the j-th of its directions has the eigenvalue j^(−α)
  std::vector<std::int64_t> directions;           ///< B: how many directions a task has
  int each = 0;                                   ///< tasks of each (α, B)
};

/// The keys of `[select]`.
struct selection_specification {
  std::optional<std::int64_t> n;  ///< of `cotscale select`; in a sweep every cell has its own
  double m = std::numeric_limits<double>::infinity();
  int k = 1;
  int samples = 16;      ///< sample covariances that stand for the expectation in the exact problem, to begin with
  int max_samples = 16;  ///< at most; and at most so many judge the solution
  int draws = 1;         ///< of generated candidates, by `cotscale select`; in a sweep every repeat is one
};

enum class sampler_method : std::uint8_t { automatic, wishart, explicit_examples, bidiagonal };

/// The keys of `[[models.NAME.stages]]`.
struct training_stage {
  std::string mixture;                                 ///< empty: the cell's
  std::shared_ptr<const sequence_model> architecture;  ///< the model as it is trained here; not null
};

/// The keys of `[models.NAME]`.
struct model_specification {
  std::shared_ptr<const sequence_model> architecture;           ///< with all its keys, of the first stage; not null
  stored_weights stored;                                        ///< to begin with
  std::shared_ptr<const detail::initial_weights_file> initial;  ///< their file, opened
  bool keep_weights = false;
  std::vector<training_stage> stages;  ///< trainings that follow each other; empty: one, by the keys above
};

/// Mixtures that exist without a `[mixtures.NAME]`.
inline constexpr std::string_view matched_mixture = "matched";
inline constexpr std::string_view isotropic_mixture = "isotropic";
inline constexpr std::string_view skewed_mixture = "skewed";
/// The same over the candidates of `[tasks]`.
inline constexpr std::array<std::string_view, 6> candidate_mixtures{"selected", "exact", "uniform",
                                                                    "easy",     "hard",  "relevant"};
bool is_candidate_mixture(const std::string& mixture);

/// A declared key that differs between cells: an entry of `[sweep.axes]`.
struct varied_key {
  std::string key;                  ///< dotted, "models.gpt2.learning_rate"
  std::string name;                 ///< of its dimension in the results
  std::vector<std::string> values;  ///< as TOML
  std::string model, mixture;       ///< of whose table the key is; empty: it is of no such table, and varies for all
};

struct specification {
  std::string name = "sweep";
  std::int64_t seed = 0;
  std::vector<std::string> models;
  std::vector<std::string> mixtures;
  std::vector<double> hardness;  ///< empty if `[target]` has a covariance of its own
  std::vector<std::int64_t> n;
  int repeats = 1;
  std::int64_t record_every = 0;  ///< steps from one record of a training to the next; 0: they double
  int d = 0;
  double noise = 0;  ///< σ², the variance of the noise of labels
  std::shared_ptr<const weight_prior> weights = normal_weights();
  int steps = 0;  ///< `[test] k`
  std::vector<std::int64_t> m;
  int prompts = 0;
  sampler_method sampler = sampler_method::automatic;
  bool beside_others = false;  ///< its test prompts are those of combinations of varied keys that need more of them
  bool baselines = true;
  int theory_draws = 100;
  int theory_most_draws = 100;  ///< default_most_draws (experiment/theory_draws.hpp) unless it is set
  double theory_rarest = 1e-4;
  covariance_specification target;
  tasks_specification tasks;
  selection_specification selection;
  std::map<std::string, model_specification> model_tables;      ///< of the names in `models`
  std::map<std::string, mixture_specification> mixture_tables;  ///< of the names in `mixtures` that are not built in
  std::filesystem::path directory;                              ///< that relative file names start from
  std::vector<varied_key> axes;
  /// With each combination of their values, row-major, the last one fastest; the specification itself has the first.
  /// Empty without axes.
  std::vector<std::shared_ptr<const specification>> variants;
  std::string text_of_variants;  ///< the canonical text of them all; made by parse_specification
};

/// Row-major number `number` of the combinations of the axes' values; the specification itself without axes.
const specification& variant_of(const specification& spec, std::size_t number);
inline std::size_t variant_count(const specification& spec) { return std::max<std::size_t>(1, spec.variants.size()); }
/// Indices into the values of each axis.
std::vector<std::size_t> axis_indices(const specification& spec, std::size_t variant);
/// The same, but 0 for keys of models and of other mixtures: where they are equal, so is the mixture beside its target.
std::vector<std::size_t> axis_indices(const specification& spec, std::size_t variant, const std::string& mixture);

/// What `automatic` stands for: bidiagonal where every target, mixture and model is isotropic, Gaussian and without
/// noise, for all combinations of varied keys with these targets; else Wishart, unless a model needs the examples
/// (needs_examples), or the target's features are not Gaussian.
sampler_method resolved_sampler(const specification& spec);

/// Whether it is bidiagonal: then covariances and maps are held as scalars (covariance::isotropic).
bool is_scalar(const specification& spec);

/// Rows of covariances and maps as they are computed with: d, or 1.
int matrix_side(const specification& spec);

/// Whether Ŝ and w are not enough for it.
bool needs_examples(const model_specification& model);

/// The words that stand for them in a specification; random numbers are keyed by the words.
std::string word_of(rotation basis);
std::string word_of(sampler_method sampler);

/// Parses, applies the overrides and validates. `source` names the text in messages. Throws specification_error with
/// all problems that were found, each with its key and line.
specification parse_specification(const std::string& text, const std::string& source,
                                  const std::filesystem::path& directory,
                                  const std::vector<override_key>& overrides = {});

/// The same from a file; throws io_error if it cannot be read.
specification load_specification(const std::string& path, const std::vector<override_key>& overrides = {});

/// What `cotscale select` needs of a specification: `[task]`, `[tasks]`, `[target]`, `[select]`, and `name` and `seed`
/// of `[sweep]`. A whole sweep is read too, and its other keys do not count then.
specification load_selection(const std::string& path, const std::vector<override_key>& overrides = {});

/// The whole specification as TOML: every key that has an effect, defaults included, in a fixed order. Parses to the
/// same specification.
std::string to_toml(const specification& spec);

/// The declarations of all tables, for documentation.
std::span<const config::table_declaration> specification_tables();

/// The part of it that selection depends on, as text; for the record.
std::string selection_to_toml(const specification& spec);

}  // namespace cotscale
