// Creates a results file: coordinates, variables, and what describes them.
#include <array>
#include <limits>
#include <map>
#include <numeric>

#include "cotscale/store/results_file.hpp"

namespace cotscale {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

class layout_writer {
 public:
  layout_writer(hdf5_file& file, file_description& description, const coordinates& grid)
      : file_(file), description_(description), grid_(grid) {}

  void write_coordinates() {
    strings(axis::model, grid_.models, "model");
    strings(axis::mixture, grid_.mixtures, "training mixture");
    numbers<double>(axis::hardness, grid_.hardness, "tr(Sigma)/lambda_min(Sigma) of the target");
    numbers<std::int64_t>(axis::n, grid_.n, "examples in a training prompt");
    numbers<std::int64_t>(axis::repeat, grid_.repeats, "repeat");
    numbers<std::int64_t>(axis::m, grid_.m, "examples in a test prompt");
    numbers<std::int64_t>(axis::k, grid_.k, "steps of the chain of thought");
    numbers<std::int64_t>(axis::training_step, grid_.training_steps, "steps of training");
    if (!grid_.baselines.empty()) strings(axis::baseline, grid_.baselines, "baseline");
    if (!grid_.tasks.empty()) strings(axis::task, grid_.tasks, "candidate task");
    if (!grid_.rows.empty() || !grid_.weights.empty()) file_.create_group(std::string(weights_group));
    if (!grid_.rows.empty()) {
      numbers<std::int64_t>(axis::row, grid_.rows, "row of V and W");
      numbers<std::int64_t>(axis::column, grid_.rows, "column of V and W");
    }
    if (!grid_.weights.empty()) write_weight_coordinates();
  }

  void create_variables() {
    for (const payload_variable& v : payload_variables()) {
      if (!is_present(v, grid_)) continue;
      std::visit(
          [&](auto member) { variable(dataset_role::payload, path_of(v), v.own_axes, pending(member), v.long_name); },
          v.member);
    }
    for (const char* verdict : {"converged", "training_diverged"}) flags(verdict, {-1, 0, 1}, "not_computed no yes");
    variable<std::int8_t>(dataset_role::record, "status", {}, 0, "status of the cell");
    flags("status", {0, 1, 2}, "pending done failed");
    for (const record_variable& v : record_variables()) {
      std::visit(
          [&](const auto& pending) {
            variable(dataset_role::record, std::string(v.name), {}, pending, v.long_name, v.units);
          },
          v.pending);
    }
    variable<std::uint64_t>(dataset_role::record, "checksum", {}, 0, "XXH64 of the payload");
    variable<std::uint64_t>(dataset_role::record_checksum, "record_checksum", {}, 0, "XXH64 of the record");
    for (const weight_variable& weight : grid_.weights) create_weight(weight);
    create<double>("target_support_hardness", {{path_of(axis::hardness), grid_.hardness.size()}}, nan,
                   dataset_role::fixed);
    describe("target_support_hardness", "tr(Sigma)/smallest non-zero eigenvalue of the target", "1");
    file_.write<double>("target_support_hardness", grid_.target_support_hardness);
  }

 private:
  // Paths of the coordinate variables of dimensions, and their lengths.
  using dimensions = std::vector<std::pair<std::string, std::uint64_t>>;

  dimensions cell_dimensions() const {
    dimensions out;
    for (const axis a : cell_axes) out.emplace_back(path_of(a), grid_.length(a));
    return out;
  }

  template<class T>
  void create(const std::string& dataset, const dimensions& dims, T fill, dataset_role role) {
    extents shape;
    stored_dataset stored{.name = dataset, .type = type_name<T>(), .role = role};
    for (const auto& [path, length] : dims) {
      shape.push_back(length);
      stored.dimensions.emplace_back(path.substr(path.rfind('/') + 1), length);
    }
    file_.create_dataset<T>(dataset, shape, fill);
    for (unsigned i = 0; i < dims.size(); ++i) {
      if (dims[i].first != dataset) file_.attach_scale(dataset, i, dims[i].first);
    }
    description_.add_dataset(std::move(stored));
  }

  // What a payload variable holds before anything is computed.
  static double pending(std::vector<double> cell_result::*) { return nan; }
  static double pending(double cell_result::*) { return nan; }
  static std::int64_t pending(std::vector<std::int64_t> cell_result::*) { return -1; }
  static std::int64_t pending(std::int64_t cell_result::*) { return -1; }
  static std::int8_t pending(std::int8_t cell_result::*) { return -1; }

  // A variable of cells.
  template<class T>
  void variable(dataset_role role, const std::string& dataset, const std::vector<axis>& own_axes, T fill,
                std::string_view long_name, std::string_view units = "1") {
    dimensions dims = cell_dimensions();
    for (const axis a : own_axes) dims.emplace_back(path_of(a), grid_.length(a));
    create<T>(dataset, dims, fill, role);
    describe(dataset, long_name, units);
  }

  static std::string path_in_weights(const std::string& name) { return std::string(weights_group) + "/" + name; }

  // The names, and each dimension that a parameter has.
  void write_weight_coordinates() {
    std::vector<std::string> names;
    std::map<std::string, std::uint64_t> lengths;
    for (const weight_variable& weight : grid_.weights) {
      names.push_back(weight.name);
      for (std::size_t i = 0; i < weight.shape.size(); ++i) lengths[weight.dimensions.at(i)] = weight.shape[i];
    }
    strings(path_in_weights("parameter"), names, "parameter of a transformer");
    for (const auto& [dimension, length] : lengths) {
      std::vector<std::int64_t> indices(length);
      std::iota(indices.begin(), indices.end(), 0);
      numbers<std::int64_t>(path_in_weights(dimension), indices, "index into a parameter");
    }
  }

  void create_weight(const weight_variable& weight) {
    dimensions dims = cell_dimensions();
    for (std::size_t i = 0; i < weight.shape.size(); ++i) {
      dims.emplace_back(path_in_weights(weight.dimensions.at(i)), weight.shape[i]);
    }
    create<float>(path_of(weight), dims, std::numeric_limits<float>::quiet_NaN(), dataset_role::payload);
    describe(path_of(weight), "parameter after training", "1");
  }

  void describe(const std::string& variable, std::string_view long_name, std::string_view units) {
    file_.set_attribute(variable, "long_name", std::string(long_name));
    file_.set_attribute(variable, "units", std::string(units));
  }

  void strings(axis a, const std::vector<std::string>& values, std::string_view long_name) {
    strings(path_of(a), values, long_name);
  }

  void strings(const std::string& dataset, const std::vector<std::string>& values, std::string_view long_name) {
    file_.create_strings(dataset, {values.size()}, values);
    file_.make_scale(dataset);
    file_.set_attribute(dataset, "long_name", std::string(long_name));
    description_.add_texts(dataset, values);
  }

  template<class T>
  void numbers(axis a, const std::vector<T>& values, std::string_view long_name) {
    numbers<T>(path_of(a), values, long_name);
  }

  template<class T>
  void numbers(const std::string& dataset, const std::vector<T>& values, std::string_view long_name) {
    create<T>(dataset, {{dataset, values.size()}}, T{}, dataset_role::fixed);
    file_.write<T>(dataset, values);
    file_.make_scale(dataset);
    describe(dataset, long_name, "1");
  }

  void flags(const std::string& variable, const std::vector<std::int8_t>& values, const std::string& meanings) {
    file_.set_attribute(variable, "flag_values", values);
    file_.set_attribute(variable, "flag_meanings", meanings);
  }

  hdf5_file& file_;
  file_description& description_;
  const coordinates& grid_;
};

}  // namespace

void create_results(const std::string& path, const coordinates& grid, const std::string& config_toml,
                    const provenance& attributes) {
  create_file(path, file_kind::results, payload_bytes(grid), attributes, config_toml,
              [&](hdf5_file& file, file_description& description) {
                layout_writer layout(file, description, grid);
                layout.write_coordinates();
                layout.create_variables();
              });
}

}  // namespace cotscale
