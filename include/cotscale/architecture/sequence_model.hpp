// What every model of in-context weight prediction answers, whatever it is made of: its keys, its limits, its tensors,
// how it is trained and tested, what that costs. Each architecture is a part in a folder of src/architecture, listed in
// architectures.cpp there; nobody else asks which one a model is.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "cotscale/base/random.hpp"
#include "cotscale/config/keys.hpp"
#include "cotscale/eval/roll_out.hpp"
#include "cotscale/task/mixture.hpp"

namespace cotscale {

/// What it can be tested on.
struct model_limits {
  bool needs_examples = false;        ///< Ŝ and w are not enough
  bool examples_of_training = false;  ///< it has no positions for more examples than it is trained on
  int least_steps = 0;                ///< of a chain
  std::optional<int> most_steps = {};
  std::string longer_chains = {};  ///< what to do for more steps: "raise k_train, or …"
  std::string more_examples = {};  ///< what to do for more examples, if those of training are the most

  bool takes(std::int64_t m, std::int64_t n) const { return !examples_of_training || m <= n; }
};

/// A parameter that can be kept: row-major.
struct model_tensor {
  enum class number : std::uint8_t { f64, f32 };
  std::string name;
  number type = number::f64;
  std::vector<std::uint64_t> shape;
  std::vector<std::string> dimensions;  ///< what each is an index of
  std::size_t size() const;
};

/// The numbers of one.
struct tensor_values {
  std::string name;
  std::variant<std::vector<double>, std::vector<float>> values;
  std::size_t size() const;
};

/// The numbers of that name as doubles or floats; throws specification_error, naming it, if there is none of that size.
std::vector<double> doubles_of(std::span<const tensor_values> tensors, const std::string& name, std::size_t size);
std::vector<float> floats_of(std::span<const tensor_values> tensors, const std::string& name, std::size_t size);

/// What a model trains on, and what theory knows of it before.
struct training_problem {
  const task_mixture& tasks;  ///< in the specification's units
  int n = 0;                  ///< examples of a prompt
  stream_key key;             ///< of its prompts and initial parameters
  const matrix& optimum;  ///< the population optimum, (d, d), or (1, 1) of scalar covariances, of covariances divided
                          ///< by 2^mixture_unit
  const matrix& directions;  ///< its eigenvectors or right singular vectors, (d, d)
  int target_unit = 0;       ///< powers of two, as cell_units has them
  int mixture_unit = 0;
  std::span<const std::int64_t> record_steps = {};      ///< ascending
  int blas_threads = 1;                                 ///< for large matrices
  const std::vector<tensor_values>* initial = nullptr;  ///< parameters to begin with; none: the model's own

  /// Those of record_steps that a training of so many steps comes to.
  std::span<const std::int64_t> recorded_within(std::int64_t steps) const;
};

/// What happened in training; what a model has not is missing.
struct training_report {
  static constexpr double missing = std::numeric_limits<double>::quiet_NaN();
  std::int64_t steps = 0;
  bool converged = false, diverged = false;
  double step_size = missing, step_size_paper = missing, gradient_norm = missing, final_loss = missing;
  std::vector<double> loss, distance, off_slice;  ///< at the recorded steps that it came to
  double preconditioner_error = missing, weakest_direction_error = missing, w24 = missing;
  double seconds = 0, tokens_per_second = 0;  ///< 0: not measured
};

/// Test prompts of m examples, and the exact map of theory that is rolled out beside the model's.
struct chain_test {
  int steps = 0;
  int prompts = 0;
  int unit = 0;  ///< Σ in the specification's units is 2^unit times the one that `lanes` and `examples` draw from
  const matrix& exact;  ///< Γ⁻¹, (d, d), or (1, 1) of scalar covariances, in units of those
  int exact_rows = 0;   ///< of its errors
  std::function<std::unique_ptr<lane_source>()> lanes;
  std::function<prompt_source()> examples;
  std::function<prompt_source()> given_examples;  ///< the same in the specification's units
};

/// A model that can be tested.
class trained_sequence {  // NOLINT(cppcoreguidelines-special-member-functions)
 public:
  virtual ~trained_sequence() = default;

  const training_report& report() const { return report_; }

  /// It was trained to the population optimum: exact expectations are those of its errors.
  virtual bool at_optimum() const = 0;

  /// Errors of its chain, below them those of the exact map if it has theory. Throws stopped when asked to stop.
  virtual chain_evaluation evaluate(const chain_test& test, const std::stop_token& stop) const = 0;

  /// In the order of sequence_model::tensors.
  virtual std::vector<tensor_values> tensors() const = 0;

  /// A, (d, d), or (1, 1) for a multiple of I, in the specification's units, of a model whose steps are w + AŜ(w* − w);
  /// none of others.
  virtual std::optional<matrix> map_of_steps() const { return std::nullopt; }

 protected:
  training_report report_;
};

/// Which of its keys an architecture declares. A stage of training has a table of its own, with keys of a training
/// only.
struct key_choice {
  bool of_model = true;     ///< its shape, what it begins with, how chains are computed
  bool of_training = true;  ///< one training: its method, objective, optimiser, steps
};

/// Weights that another sweep has kept, to begin with.
struct stored_weights {
  std::string file;    ///< as a specification has it; empty: none
  std::string sha256;  ///< of that file
  std::string model;   ///< in that file
};

/// A model as a specification describes it.
class sequence_model {
 public:
  virtual ~sequence_model() = default;

  virtual std::string_view word() const = 0;
  virtual std::string_view help() const = 0;
  virtual std::shared_ptr<sequence_model> clone() const = 0;
  /// It is raised when the numbers change that the same keys stand for.
  virtual int version() const = 0;

  /// In canonical order, whatever the choice is. The keys of stored weights stand among those of the model.
  virtual void keys(config::keys& k, const key_choice& which, stored_weights& stored) = 0;
  /// What only a reader does, after all keys: says of those of its training what is wrong in d dimensions, with prompts
  /// of up to n examples.
  virtual void require_trainable(config::keys& /*k*/, int /*d*/, std::int64_t /*n*/) const {}
  /// Its parameters are to be those of a model that is trained on chains of so many steps at least, so that one stage
  /// of training can hand them to another.
  virtual void make_room(int /*steps*/) {}

  /// Its keys that decide what its parameters compute, beside their shapes: where they differ, a model cannot begin
  /// with the weights of another.
  virtual std::vector<std::string_view> keys_of_parameters() const { return {}; }

  virtual model_limits limits() const = 0;
  virtual bool has_theory() const = 0;  ///< limits, bounds and predictions of theory are about models like it

  /// Those of a model of d dimensions that is trained on n examples.
  virtual std::vector<model_tensor> tensors(int d, int n) const = 0;

  /// Whether its training draws prompts, and is then a cell's own.
  virtual bool learns_from_samples() const = 0;
  virtual std::int64_t most_training_steps() const = 0;

  /// Whether its map is a multiple of I, held as (1, 1), where all that it trains on is held so
  /// (covariance::isotropic): its chains then need no more of a prompt than the bidiagonal form (task/bidiagonal.hpp).
  virtual bool keeps_isotropy() const { return false; }

  /// How far it may be from the optimum that it is trained to; NaN if it is not.
  virtual double map_tolerance() const = 0;

  /// Throws specification_error if it cannot compute with covariances that have this largest eigenvalue, which `key` of
  /// the specification says; `model` names it.
  virtual void require_range(const std::string& model, const std::string& key, double largest, bool trains) const = 0;

  /// Throws stopped when asked to stop.
  virtual std::unique_ptr<const trained_sequence> train(const training_problem& problem,
                                                        const std::stop_token& stop) const = 0;

  // ---- what it costs (architecture/machine.hpp), on one core ----

  /// `commuting`: all maps have one eigenbasis.
  virtual double training_seconds(double d, double n, bool commuting) const = 0;
  /// Threads that find work in its training.
  virtual int busy_threads(int d, int n, int threads) const = 0;
  /// A test prompt's chain.
  virtual double chain_seconds(double d, double m, double steps) const = 0;
  /// Numbers that a thread keeps for it, beyond the prompt.
  virtual double chain_numbers(double d, double m, double steps) const = 0;
  /// Bytes of parameters, their training and their test, on prompts of up to m examples.
  virtual double bytes(int d, int n, int m, int prompts, int steps, int threads) const = 0;

 protected:
  sequence_model() = default;
  sequence_model(const sequence_model&) = default;
  sequence_model& operator=(const sequence_model&) = default;
};

/// All there are, in the order of the documentation.
std::span<const sequence_model* const> all_architectures();

}  // namespace cotscale
