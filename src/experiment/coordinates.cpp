#include "cotscale/experiment/coordinates.hpp"

namespace cotscale {
namespace {

std::vector<std::size_t> cell_shape(const coordinates& grid) {
  std::vector<std::size_t> shape{grid.models.size(), grid.mixtures.size(), grid.hardness.size(), grid.n.size()};
  for (const dimension& d : grid.further) shape.push_back(d.length());
  shape.push_back(grid.repeats.size());
  return shape;
}

std::string in_weights(const std::string& name) { return std::string(weights_group) + "/" + name; }
std::string in_matrices(const std::string& name) { return std::string(matrices_group) + "/" + name; }

std::vector<weight_variable> read_weights(const results_reader& file) {
  std::vector<weight_variable> weights;
  for (const std::string& name : file.texts(in_weights("parameter"))) {
    weight_variable weight{.name = name, .shape = {}, .dimensions = file.own_dimensions(name)};
    for (const std::string& d : weight.dimensions) weight.shape.push_back(file.find(in_weights(d))->values());
    weights.push_back(std::move(weight));
  }
  return weights;
}

std::vector<dimension> read_further(const results_reader& file) {
  const std::vector<std::string> names = file.cell_dimensions();
  std::vector<dimension> out;
  for (std::size_t i = first_further_axis; i + 1 < names.size(); ++i) {
    dimension d{.name = names[i], .values = file.texts(names[i]), .long_name = "", .of_cells = true};
    if (const stored_dataset* numbers = file.find(names[i]); numbers != nullptr) {
      if (numbers->type == type_name<double>()) {
        d.values = file.read<double>(names[i]);
      } else {
        d.values = file.read<std::int64_t>(names[i]);
      }
    }
    out.push_back(std::move(d));
  }
  return out;
}

}  // namespace

std::size_t coordinates::cell_count() const {
  std::size_t count = 1;
  for (const std::size_t length : cell_shape(*this)) count *= length;
  return count;
}

std::size_t cell_number(const coordinates& grid, const cell_position& position) {
  const std::vector<std::size_t> shape = cell_shape(grid);
  std::size_t number = 0;
  for (std::size_t i = 0; i < shape.size(); ++i) number = number * shape[i] + position.at(i);
  return number;
}

cell_position position_of(const coordinates& grid, std::size_t number) {
  const std::vector<std::size_t> shape = cell_shape(grid);
  cell_position position(shape.size());
  for (std::size_t i = shape.size(); i-- > 0;) {
    position[i] = number % shape[i];
    number /= shape[i];
  }
  return position;
}

coordinates read_coordinates(const results_reader& file) {
  const auto integers = [&](const std::string& path) {
    return file.find(path) != nullptr ? file.read<std::int64_t>(path) : std::vector<std::int64_t>();
  };
  return {.models = file.texts("model"),
          .mixtures = file.texts("mixture"),
          .hardness = file.read<double>("hardness"),
          .target_support_hardness = file.read<double>("target_support_hardness"),
          .n = integers("n"),
          .repeats = integers("repeat"),
          .m = integers("m"),
          .k = integers("k"),
          .training_steps = integers("training_step"),
          .baselines = file.texts("baseline"),
          .tasks = file.texts("task"),
          .rows = integers(in_weights("row")),
          .weights = read_weights(file),
          .further = read_further(file),
          .stages = integers(std::string(stage_axis)),
          .features = integers(in_matrices("feature")),
          .directions = integers(in_matrices("direction")),
          .map_rows = integers(in_matrices("output")),
          .stage_mixtures = file.texts(in_matrices("stage_mixture"))};
}

}  // namespace cotscale
