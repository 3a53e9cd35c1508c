#include "cotscale/experiment/initial_weights.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/base/shared.hpp"
#include "cotscale/config/problems.hpp"
#include "cotscale/config/toml_text.hpp"
#include "cotscale/config/writer.hpp"
#include "declarations.hpp"
#include "kept_weights.hpp"

namespace cotscale::detail {
namespace {

// Why a file has no cell of these values.
std::string no_cell(const coordinates& file, const cell& wanted) {
  for (const dimension& axis : file.further) {
    const std::string* own = value_along(wanted, axis.name);
    if (own == nullptr) continue;
    std::vector<std::string> theirs;
    for (std::size_t i = 0; i < axis.length(); ++i) theirs.push_back(text_at(axis, i));
    if (std::find(theirs.begin(), theirs.end(), *own) != theirs.end()) continue;
    return fmt::format("has the axis {0} without the value {1}, but with {2}; vary {0} over these in [sweep.axes] here",
                       axis.name, *own, config::shortened(fmt::format("{}", fmt::join(theirs, ", ")), 200));
  }
  return "has no such cell";
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

// The value of a key of a model's table; empty if it is not written.
std::string value_in(const toml::table& root, const std::string& model, std::string_view key) {
  const auto node = root["models"][model][key];
  if (const auto word = node.value<std::string>()) return fmt::format("\"{}\"", *word);
  std::ostringstream out;
  if (node) out << node;
  return out.str();
}

// Says which key of the stored model makes its parameters others than this model's; whether there is none.
bool require_same_meaning(config::keys& keys, model_specification& model) {
  config::writer own;
  own.table("models.own");
  model_keys(own, model);
  std::vector<std::string_view> deciding = model.architecture->keys_of_parameters();
  deciding.insert(deciding.begin(), "architecture");
  const toml::table their_text = config::parse_text(model.initial->specification_text(), "config_toml");
  const toml::table our_text = config::parse_text(own.text(), "the table");
  const auto shown = [](const std::string& value) { return value.empty() ? "its default" : value; };
  for (const std::string_view key : deciding) {
    const std::string theirs = value_in(their_text, model.stored.model, key), ours = value_in(our_text, "own", key);
    const bool varied =
        their_text["sweep"]["axes"][fmt::format("models.{}.{}", model.stored.model, key)].node() != nullptr;
    if (varied || theirs == ours) continue;
    keys.problem("initial_model", fmt::format("names \"{}\", whose {} in {} is {}, not {}", model.stored.model, key,
                                              model.stored.file, shown(theirs), shown(ours)));
    return false;
  }
  return true;
}

}  // namespace

initial_weights_file::initial_weights_file(std::string path)
    : path_(std::move(path)),
      file_(path_),
      grid_(read_coordinates(file_)),
      identities_(file_.identities()),
      checksums_(file_.marked_checksums()),
      sha256_(file_.sha256()) {}

std::optional<std::size_t> initial_weights_file::parent_of(const cell& c, const std::string& model,
                                                           std::string& why) const {
  cell wanted = c;
  wanted.model = model;
  const std::optional<cell_position> position = find_cell(grid_, wanted);
  why = position ? "" : no_cell(grid_, wanted);
  if (!position) return std::nullopt;
  const auto asked = [&](const cell_position& p) { return identities_[cell_number(grid_, p)] != cell_identity(); };
  if (!asked(*position)) why = "was not asked for this cell: the values differ in a key of another model or mixture";
  for (std::size_t i = 0; i < grid_.further.size(); ++i) {
    const dimension& axis = grid_.further[i];
    if (value_along(wanted, axis.name) != nullptr || axis.length() < 2) continue;
    cell_position another = *position;
    another[first_further_axis + i] = 1;
    if (asked(another)) {
      why = fmt::format(
          "has such cells for several values of {0}, which does not vary here; vary {0} in [sweep.axes] "
          "here too, with the values whose weights are wanted",
          axis.name);
    }
  }
  return why.empty() ? std::optional(cell_number(grid_, *position)) : std::nullopt;
}

std::string initial_weights_file::source_of(const cell& c, const std::string& model) const {
  std::string why;
  const std::optional<std::size_t> number = parent_of(c, model, why);
  if (!number) return "";
  return fmt::format("{:016x}{:016x} {:016x}", identities_[*number].high, identities_[*number].low,
                     checksums_[*number]);
}

std::string initial_weights_file::read(const cell& c, const std::string& model, const std::vector<model_tensor>& wanted,
                                       std::vector<tensor_values>& out) const {
  std::string why;
  const std::optional<std::size_t> parent = parent_of(c, model, why);
  if (!parent) return why;
  const std::size_t number = *parent;
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
    std::string why;
    const std::optional<std::size_t> parent = parent_of(c, table.stored.model, why);
    if (!parent) return why;
    const std::size_t number = *parent;
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
                  "that sweep to its end with the same mixtures, hardness, n, repeats and values of further axes, and "
                  "with keep_weights = true",
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
  if (!require_same_meaning(keys, model)) return;
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
