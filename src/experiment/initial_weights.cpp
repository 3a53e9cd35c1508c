#include "cotscale/experiment/initial_weights.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/base/shared.hpp"
#include "cotscale/config/problems.hpp"
#include "cotscale/config/toml_text.hpp"
#include "kept_weights.hpp"

namespace cotscale::detail {
namespace {

// The cell that stands for this one in the file.
std::optional<cell_position> parent_of(const cell& c, const std::string& model, const coordinates& file) {
  cell wanted = c;
  wanted.model = model;
  return find_cell(file, wanted);
}

// Whether a file's variable has room for a tensor: equal shapes, but that it may have more rows.
bool has_room(const weight_variable& weight, const model_tensor& tensor) {
  return weight.shape.size() == tensor.shape.size() && weight.shape.front() >= tensor.shape.front() &&
         std::equal(weight.shape.begin() + 1, weight.shape.end(), tensor.shape.begin() + 1);
}

// The variable that holds a tensor in the file; none if it has no room for it.
std::optional<std::string> variable_of(const coordinates& file, const std::string& model, const model_tensor& tensor) {
  if (tensor.type == model_tensor::number::f64) {
    return file.rows.size() == tensor.shape.front() ? std::optional(tensor.name) : std::nullopt;
  }
  const std::size_t i = kept_number(file, model, tensor.name);
  if (i == file.weights.size() || !has_room(file.weights[i], tensor)) return std::nullopt;
  return fmt::format("{}/{}", weights_group, file.weights[i].name);
}

// The word of a model's table in the specification of a file; empty where it varies.
std::string architecture_in(const std::string& specification, const std::string& model) {
  const toml::table root = config::parse_text(specification, "config_toml");
  const toml::node* models = root.get("models");
  const toml::node* table = models != nullptr && models->is_table() ? models->as_table()->get(model) : nullptr;
  return table != nullptr && table->is_table() ? (*table->as_table())["architecture"].value_or(std::string()) : "";
}

}  // namespace

initial_weights_file::initial_weights_file(std::string path)
    : path_(std::move(path)),
      file_(path_),
      grid_(read_coordinates(file_)),
      identities_(file_.identities()),
      checksums_(file_.marked_checksums()),
      sha256_(file_.sha256()) {}

std::string initial_weights_file::source_of(const cell& c, const std::string& model) const {
  const std::optional<cell_position> position = parent_of(c, model, grid_);
  if (!position) return "";
  const std::size_t number = cell_number(grid_, *position);
  return fmt::format("{:016x}{:016x} {:016x}", identities_[number].high, identities_[number].low, checksums_[number]);
}

std::string initial_weights_file::read(const cell& c, const std::string& model, const std::vector<model_tensor>& wanted,
                                       std::vector<tensor_values>& out) const {
  const std::optional<cell_position> position = parent_of(c, model, grid_);
  if (!position) return "has no such cell";
  const std::size_t number = cell_number(grid_, *position);
  for (const model_tensor& tensor : wanted) {
    const std::optional<std::string> name = variable_of(grid_, model, tensor);
    if (!name) {
      return fmt::format("has no parameter {} of the shape ({})", tensor.name, fmt::join(tensor.shape, ", "));
    }
    std::vector<double> values = file_.values_of_cell(*name, number);
    expects(values.size() >= tensor.size(), "initial weights: {} numbers for {}", values.size(), tensor.name);
    values.resize(tensor.size());  // the file may have room for more positions
    const auto finite = [](double x) { return std::isfinite(x); };
    if (!std::all_of(values.begin(), values.end(), finite)) {
      // Weights of one training are finite all together, or not at all: those that end earlier had fewer rows.
      return finite(values.front()) && std::isnan(values.back())
                 ? fmt::format("has fewer than {} rows of {}: a transformer must have the same k_train, or less",
                               tensor.shape.front(), tensor.name)
                 : "has no finite weights: they were not kept, or their training diverged";
    }
    out.push_back({.name = tensor.name, .values = std::move(values)});
  }
  // Behind the values, so that what is written meanwhile shows.
  if (file_.payload_checksum(number) != checksums_[number]) {
    return "has changed since the run began, so that its weights are others now";
  }
  return "";
}

std::vector<tensor_values> initial_weights_file::weights(const cell& c, const model_specification& table,
                                                         const std::vector<model_tensor>& wanted) const {
  std::vector<tensor_values> out;
  if (const std::string why = read(c, table.stored.model, wanted, out); !why.empty()) {
    throw specification_error(fmt::format("{}: {} (of model {} for {})", path_, why, table.stored.model, describe(c)));
  }
  return out;
}

initial_weights_file::marks initial_weights_file::read_marks() const {
  return {.status = file_.statuses(), .damaged = file_.damaged_cells()};
}

void initial_weights_file::require_cells(std::span<const cell> cells, const model_specification& table, int d,
                                         const marks& now) const {
  const auto lack = [&](const cell& c) -> std::string {
    const std::optional<cell_position> position = parent_of(c, table.stored.model, grid_);
    if (!position) return "no such cell";
    const std::size_t number = cell_number(grid_, *position);
    if (now.status[number] == cell_status::failed) return "failed";
    if (now.status[number] != cell_status::done) return "not done yet";
    if (std::binary_search(now.damaged.begin(), now.damaged.end(), number)) return "damaged, its checksum is wrong";
    std::vector<tensor_values> values;
    return read(c, table.stored.model, table.architecture->tensors(d, static_cast<int>(c.n)), values);
  };
  std::size_t lacking = 0;
  std::string first;
  for (const cell& c : cells) {
    const std::string why = lack(c);
    if (!why.empty() && lacking++ == 0) first = fmt::format("{}: {}", describe(c), why);
  }
  if (lacking == 0) return;
  throw specification_error(
      fmt::format("models.{}.initial_file: {} lacks the weights of {} for {} of {} cells, the first of them {}\n  Run "
                  "that sweep to its end with the same mixtures, hardness, n and repeats, and with keep_weights = true",
                  cells.front().model, path_, table.stored.model, lacking, cells.size(), first));
}

void open_initial_weights(config::keys& keys, const specification& spec, model_specification& model) {
  const std::string path = (spec.directory / model.stored.file).string();
  try {
    model.initial =
        shared<initial_weights_file>(path, [&] { return std::make_shared<const initial_weights_file>(path); });
  } catch (const error& e) {
    keys.problem("initial_file", fmt::format("names no results file that can be read ({})", e.what()));
    return;
  } catch (const std::filesystem::filesystem_error& e) {
    keys.problem("initial_file", fmt::format("names a file that cannot be read ({})", e.what()));
    return;
  }
  const std::string& actual = model.initial->sha256();
  if (!model.stored.sha256.empty() && model.stored.sha256 != actual) {
    keys.problem("initial_sha256", fmt::format("is {}, but {} has {}: the file has changed", model.stored.sha256,
                                               model.stored.file, actual));
  }
  model.stored.sha256 = actual;
  const coordinates& grid = model.initial->grid();
  if (std::find(grid.models.begin(), grid.models.end(), model.stored.model) == grid.models.end()) {
    keys.problem("initial_model", fmt::format("names \"{}\", but {} has the models {}", model.stored.model,
                                              model.stored.file, config::listed(grid.models)));
    return;
  }
  const std::string theirs = architecture_in(model.initial->specification_text(), model.stored.model);
  if (const std::string own = std::string(model.architecture->word()); !theirs.empty() && theirs != own) {
    keys.problem("initial_model", fmt::format("names \"{}\", whose architecture in {} is \"{}\", not \"{}\"",
                                              model.stored.model, model.stored.file, theirs, own));
    return;
  }
  // Shapes that depend on n are looked at cell by cell, before the run.
  const std::vector<model_tensor> wanted = model.architecture->tensors(std::max(1, spec.d), 1);
  const auto has = [&](const model_tensor& tensor) {
    return variable_of(grid, model.stored.model, tensor).has_value();
  };
  if (std::all_of(wanted.begin(), wanted.end(), has)) return;
  if (grid.rows.empty() && grid.weights.empty()) {
    keys.problem("initial_file", "names a file without weights; it must come from a sweep with keep_weights = true");
  } else if (!grid.rows.empty() && wanted.front().type == model_tensor::number::f64) {
    keys.problem("initial_file", fmt::format("names a file with weights of d = {}, and here task.d = {}",
                                             grid.rows.size() / 2 - 1, spec.d));
  } else {
    const auto first = std::find_if_not(wanted.begin(), wanted.end(), has);
    keys.problem("initial_file",
                 fmt::format("names a file whose model {} has no parameter {} of the shape ({}); both models must have "
                             "the same",
                             model.stored.model, first->name, fmt::join(first->shape, ", ")));
  }
}

void require_initial_weights(const specification& spec, const coordinates& grid) {
  // Tables of a model may differ between the values of varied keys.
  std::map<std::pair<std::string, std::size_t>, std::vector<cell>> cells;
  for (const std::size_t number : cells_asked_for(spec, grid)) {
    cell c = make_cell(grid, number);
    if (!variant_of(spec, c.variant).model_tables.at(c.model).initial) continue;
    cells[{c.model, c.variant}].push_back(std::move(c));
  }
  std::map<const initial_weights_file*, initial_weights_file::marks> read;
  for (const auto& [of, trained] : cells) {
    const specification& own = variant_of(spec, of.second);
    const model_specification& table = own.model_tables.at(of.first);
    const initial_weights_file& file = *table.initial;
    if (!read.contains(&file)) read[&file] = file.read_marks();
    file.require_cells(trained, table, own.d, read[&file]);
  }
}

}  // namespace cotscale::detail
