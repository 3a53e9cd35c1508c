// Axes of a sweep, and the shape that they give its results file.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cotscale/store/results_file.hpp"
#include "cotscale/store/schema.hpp"

namespace cotscale {

/// The axis of variables that a model has after each of its trainings.
inline constexpr std::string_view stage_axis = "stage";

/// The group of V and W of linear self-attention and of the parameters of transformers.
inline constexpr std::string_view weights_group = "weights";

/// The group of covariances and of the maps of linear self-attention.
inline constexpr std::string_view matrices_group = "matrices";

/// A parameter of a transformer whose weights are kept.
struct weight_variable {
  std::string name;
  std::vector<std::uint64_t> shape;
  std::vector<std::string> dimensions = {};  ///< what each is an index of; equal names have equal lengths
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
  std::vector<std::string> baselines;     ///< empty: none are computed
  std::vector<std::string> tasks;         ///< candidates that mixtures are made of; empty: there are none
  std::vector<std::int64_t> rows;         ///< of V and W, and their columns; empty: weights are not kept
  std::vector<weight_variable> weights;   ///< of transformers; empty: they are not kept
  std::vector<dimension> further = {};    ///< axes of cells beyond the five, which stand between n and repeat
  std::vector<std::int64_t> stages = {};  ///< of training, from 0 on; empty: no model has more than one
  // Of the group of matrices; empty: they are not stored.
  std::vector<std::int64_t> features = {};       ///< of covariances, and their columns
  std::vector<std::int64_t> directions = {};     ///< of eigenvalues
  std::vector<std::int64_t> map_rows = {};       ///< of trained maps, and their columns
  std::vector<std::string> stage_mixtures = {};  ///< that are stages' alone; empty: there are none

  std::size_t cell_count() const;
  std::size_t stage_count() const { return std::max<std::size_t>(1, stages.size()); }
  friend bool operator==(const coordinates&, const coordinates&) = default;
};

/// Indices of a cell along the axes of cells: model, mixture, hardness, n, the further ones, repeat.
using cell_position = std::vector<std::size_t>;
enum cell_axis : std::uint8_t { model_axis, mixture_axis, hardness_axis, n_axis, first_further_axis };

/// Row-major number of a cell, and back.
std::size_t cell_number(const coordinates& grid, const cell_position& position);
cell_position position_of(const coordinates& grid, std::size_t number);

/// The variables that one part of the program computes.
struct producer {
  std::string_view title;
  std::span<const variable> variables;
};

/// All of them, in the order of a cell's checksum; parameters of transformers, which depend on the grid, come behind.
std::vector<producer> producers();

/// Whether a results file may have something else of that name at its root, so that no further axis can be called so.
bool is_name_in_results(std::string_view name);

/// Dimensions and variables of the results of a grid.
std::shared_ptr<const results_schema> make_schema(const coordinates& grid);
/// What its file is created with.
results_content make_content(const coordinates& grid, std::shared_ptr<const results_schema> schema);

/// Of a file.
coordinates read_coordinates(const results_reader& file);

}  // namespace cotscale
