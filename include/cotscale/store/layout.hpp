// The results layout as plain data (docs/results-layout.md): what a cell stores, and one table that says how it stands
// in the file.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace cotscale {

inline constexpr std::int64_t schema_version = 3;

enum class axis : std::uint8_t {
  model,
  mixture,
  hardness,
  n,
  repeat,
  m,
  k,
  training_step,
  baseline,
  task,
  row,
  column
};

/// The axes of a cell: what is trained and scheduled. They come first in every variable.
inline constexpr std::array cell_axes{axis::model, axis::mixture, axis::hardness, axis::n, axis::repeat};

std::string_view name(axis a);

/// The group of V and W of linear self-attention and of the parameters of transformers.
inline constexpr std::string_view weights_group = "weights";

/// Of the coordinate variable of an axis: its name, with the group where the axis is one of weights.
std::string path_of(axis a);

/// A parameter of a transformer whose weights are kept.
struct weight_variable {
  std::string name;
  std::vector<std::uint64_t> shape;
  std::vector<std::string> dimensions = {};  ///< what each is an index of; equal names have equal lengths
  std::size_t size() const;
  friend bool operator==(const weight_variable&, const weight_variable&) = default;
};

/// Coordinates of the grid, which give the file its shape.
struct coordinates {
  std::vector<std::string> models;
  std::vector<std::string> mixtures;
  std::vector<double> hardness;
  std::vector<double> target_support_hardness;  ///< over hardness
  std::vector<std::int64_t> n;
  std::vector<std::int64_t> repeats;
  std::vector<std::int64_t> m;
  std::vector<std::int64_t> k;
  std::vector<std::int64_t> training_steps;
  std::vector<std::string> baselines;    ///< empty: none are computed
  std::vector<std::string> tasks;        ///< candidates that mixtures are made of; empty: there are none
  std::vector<std::int64_t> rows;        ///< of V and W, and their columns; empty: weights are not kept
  std::vector<weight_variable> weights;  ///< of transformers; empty: they are not kept

  std::size_t length(axis a) const;
  std::size_t cell_count() const;
  std::size_t volume(std::span<const axis> axes) const;
  friend bool operator==(const coordinates&, const coordinates&) = default;
};

/// Indices of a cell along cell_axes.
using cell_position = std::array<std::size_t, cell_axes.size()>;

/// Row-major number of a cell, and back.
std::size_t cell_number(const coordinates& grid, const cell_position& position);
cell_position position_of(const coordinates& grid, std::size_t number);

enum class cell_status : std::int8_t { pending = 0, done = 1, failed = 2 };

/// What a cell computes: the payload that its checksum covers. Vectors are row-major over the axes that
/// payload_variables() names.
struct cell_result {
  std::vector<double> error_mean, error_stderr, error_median, error_q05, error_q95, diverged_share;
  std::vector<double> theory_error, z_score, theory_limit, theory_bound;
  std::vector<double> exact_z, simulated_z, paired_difference, paired_stderr, paired_distance;
  std::int64_t training_steps = -1;
  double step_size = 0, step_size_paper = 0, gradient_norm = 0, final_loss = 0;
  std::vector<double> training_loss, training_distance, training_off_slice;
  double preconditioner_error = 0, weakest_direction_error = 0, w24 = 0;
  std::int8_t converged = -1, training_diverged = -1;
  std::vector<std::int64_t> best_k, predicted_best_k;
  std::vector<double> difference_stderr, predicted_difference_stderr;
  std::vector<std::int64_t> best_k_first, best_k_last, predicted_best_k_first, predicted_best_k_last, predicted_draws;
  std::vector<double> predicted_error, predicted_stderr, predicted_diverging_share;
  double spectral_radius = 0;
  std::vector<double> baseline_error, baseline_stderr, baseline_median, baseline_parameter;
  std::vector<std::int64_t> baseline_at_edge;
  std::vector<double> newton_slope, newton_r2;
  std::vector<double> task_probability;
  std::vector<double> v, w;
  std::vector<float> weights;  ///< those of coordinates::weights, one after the other; not in payload_variables()
  // Not payload: how long it took is no property of the cell.
  double training_seconds = 0, tokens_per_second = 0;
};

/// How a cell was computed; not part of the payload.
struct cell_record {
  std::int32_t attempt = 0;
  std::int32_t rank = -1;
  std::int64_t start_time = 0;  ///< milliseconds since 1970-01-01 UTC
  double wall_seconds = 0;
  /// Of GPT-2, else NaN; with a training that cells share, that of the first.
  double training_seconds = std::numeric_limits<double>::quiet_NaN();
  double tokens_per_second = std::numeric_limits<double>::quiet_NaN();  ///< of its training
};

/// One payload variable: where it is in a cell_result, and how it is described in the file. To store a further result,
/// add a member to cell_result and a row to the table in layout.cpp; creation, writing, checksums and verification
/// follow from it.
struct payload_variable {
  using field = std::variant<std::vector<double> cell_result::*, std::vector<std::int64_t> cell_result::*,
                             double cell_result::*, std::int64_t cell_result::*, std::int8_t cell_result::*>;
  std::string_view name;
  field member;
  std::vector<axis> own_axes;  ///< beyond cell_axes
  std::string_view long_name;
};

/// In the order of the checksum. A variable is left out of a file in which one of its axes is empty (is_present).
std::span<const payload_variable> payload_variables();
bool is_present(const payload_variable& variable, const coordinates& grid);

/// The bytes of one variable of a cell.
std::span<const std::byte> bytes_of(const payload_variable& variable, const cell_result& result);

std::string path_of(const payload_variable& variable);
std::string path_of(const weight_variable& weight);

/// XXH64 of a cell's payload: its variables, then its weights.
std::uint64_t payload_checksum(const cell_result& result);

/// One variable of a cell's record: where it is in a cell_record, and how it is described in the file.
struct record_variable {
  using field = std::variant<std::int32_t cell_record::*, std::int64_t cell_record::*, double cell_record::*>;
  std::string_view name;
  field member;
  std::variant<std::int32_t, std::int64_t, double> pending;  ///< of a cell that is not computed
  std::string_view long_name;
  std::string_view units = "1";
};

/// In the order of the record's checksum.
std::span<const record_variable> record_variables();

/// XXH64 of a cell's record: `status`, the variables of the record, and the checksum of its payload.
std::uint64_t record_checksum(cell_status status, const cell_record& record, std::uint64_t payload);

/// In place of a record's checksum while the record is being written.
inline constexpr std::uint64_t record_being_written = 1;

/// Bytes of the datasets of a file of this shape.
std::uint64_t payload_bytes(const coordinates& grid);

}  // namespace cotscale
