// From a specification to its cells and their tasks; pure functions.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cotscale/base/random.hpp"
#include "cotscale/experiment/coordinates.hpp"
#include "cotscale/experiment/specification.hpp"
#include "cotscale/task/distribution.hpp"
#include "cotscale/task/mixture.hpp"

namespace cotscale {

/// What is trained and scheduled: one model on one mixture, for one target, n and repeat.
struct cell {
  cell_position position;  ///< in the results file
  std::string model;
  std::string mixture;
  double hardness = 0;  ///< 0: each combination of varied keys has a target with a hardness of its own
  std::int64_t n = 0;
  std::int64_t repeat = 0;
  std::size_t variant = 0;                                       ///< of the specification, whose keys vary (variant_of)
  std::vector<std::pair<std::string, std::string>> varied = {};  ///< names of further axes, and its values there
  std::size_t stage = 0;                                         ///< of its model's trainings (experiment/stages.hpp)
};

/// The combination of the further axes' values that a position has.
std::size_t variant_at(const coordinates& grid, const cell_position& position);

/// Whether the place of the grid stands for a cell: where a varied key is of a model's or a mixture's own table, all
/// others have their cell once, at the first value.
bool is_asked_for(const specification& spec, const coordinates& grid, std::size_t number);
/// Their numbers.
std::vector<std::size_t> cells_asked_for(const specification& spec, const coordinates& grid);

/// Six digits; "of its own" where the target has no one hardness, since its spectrum varies.
std::string hardness_in_words(double hardness);

/// "model lsa, mixture matched, hardness 30, n 20, repeat 0", and the values of varied keys.
std::string describe(const cell& c);
/// The same of a number of the grid, and of a stage of its training where the grid has several.
std::string describe(const coordinates& grid, std::size_t number, std::size_t stage);

/// Axes of the results file. Builds every mixture once, and so throws specification_error for a covariance that is not
/// valid.
coordinates make_coordinates(const specification& spec);

/// Number `number` of the grid in row-major order.
cell make_cell(const coordinates& grid, std::size_t number);

/// Value number `index` of a further axis; numbers in the shortest form that tells them apart.
std::string text_at(const dimension& axis, std::size_t index);

/// The cell's value along the further axis of that name; null if it has no such axis.
const std::string* value_along(const cell& c, const std::string& axis);

/// Where a cell of these values stands in a grid; none if it is not there. It has the first value of further axes that
/// the cell does not know.
std::optional<cell_position> find_cell(const coordinates& grid, const cell& c);

/// Σ of a value of the hardness axis (the value is not used if `[target]` has a covariance of its own).
covariance target_covariance(const specification& spec, double hardness);

/// Λ of a mixture of one task, when the target is `target`. Only `matched` depends on the target, and mixtures beside
/// rows that have no spectrum.
covariance mixture_covariance(const specification& spec, const std::string& mixture, const covariance& target);

/// Test prompts of a target Σ: with the target's features, and the noise and weights of the specification.
prompt_distribution target_distribution(const specification& spec, covariance target);

/// The same of a mixture of one task, when the target is `target`, and of the candidates of `[tasks]`, of these
/// probabilities and with the target's features.
prompt_distribution mixture_distribution(const specification& spec, const std::string& mixture,
                                         const covariance& target);
task_mixture candidate_mixture(const specification& spec, const candidate_tasks& candidates,
                               const std::vector<double>& probabilities);

/// Whether a mixture is one of the candidates of `[tasks]`.
bool depends_on_candidates(const specification& spec, const std::string& mixture);

/// Names of the candidates of `[tasks]`, the same for every repeat; none without that table.
std::vector<std::string> candidate_names(const tasks_specification& tasks);

/// The candidates of `[tasks]`; generated ones are drawn anew for every repeat.
std::shared_ptr<const candidate_tasks> make_candidates(const specification& spec, std::int64_t repeat);

/// Test prompts depend on these values only, so that models, mixtures and n are compared on the same prompts.
stream_key test_prompt_key(const specification& spec, double hardness, std::int64_t repeat, std::int64_t m);

/// Of the prompts that a cell trains on, and of its initial parameters: the same for all models and mixtures of a
/// target, n and repeat, so that these are compared on common random numbers, and equal architectures begin alike.
stream_key training_key(const specification& spec, const cell& c);
/// Of the sample covariances of predictions, and of the exact selection problem.
stream_key prediction_key(const specification& spec, double hardness, std::int64_t m);
/// Of the prompts that measured errors are held against.
stream_key null_key(const specification& spec, double hardness, std::int64_t m);
stream_key selection_key(const specification& spec, double hardness);
stream_key fresh_selection_key(const specification& spec, double hardness);  // its solution is judged by these

}  // namespace cotscale
