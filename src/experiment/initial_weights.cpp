#include "cotscale/experiment/initial_weights.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/base/input_file.hpp"
#include "cotscale/config/toml_reader.hpp"

namespace cotscale::detail {
namespace {

// The cell that stands for this one in the file.
std::optional<cell_position> parent_of(const cell& c, const std::string& model, const coordinates& file) {
  cell wanted = c;
  wanted.model = model;
  return find_cell(file, wanted);
}

}  // namespace

initial_weights_file::initial_weights_file(std::string path)
    : path_(std::move(path)),
      file_(path_),
      grid_(read_coordinates(file_)),
      written_(written()),
      sha256_(sha256_of_file(path_)) {}

std::filesystem::file_time_type initial_weights_file::written() const {
  return std::filesystem::last_write_time(path_);
}

lsa_parameters initial_weights_file::weights(const cell& c, const model_specification& table, int d) const {
  const auto missing = [&](const char* why) {
    return specification_error(
        fmt::format("{}: {} (of model {} for {})", path_, why, table.initial_model, describe(c)));
  };
  if (written() != written_) throw missing("has changed since the run began, so that its weights are others now");
  const std::optional<cell_position> position = parent_of(c, table.initial_model, grid_);
  if (!position) throw missing("has no such cell");
  const int side = 2 * d + 2;
  lsa_parameters out{.v = matrix(side, side), .w = matrix(side, side)};
  for (const auto& [name, target] : {std::pair{"v", &out.v}, std::pair{"w", &out.w}}) {
    const std::vector<double> values = file_.values_of_cell(name, cell_number(grid_, *position));
    expects(values.size() == target->size(), "initial weights: {} numbers for d = {}", values.size(), d);
    const bool finite = std::all_of(values.begin(), values.end(), [](double x) { return std::isfinite(x); });
    if (!finite) throw missing("has no finite weights: they were not kept, or their training diverged");
    std::copy(values.begin(), values.end(), target->data());
  }
  return out;
}

void initial_weights_file::require_cells(const coordinates& grid, const std::string& model,
                                         const model_specification& table, int d) const {
  const std::vector<cell_status> status = file_.statuses();
  const std::vector<std::size_t> damaged = file_.damaged_cells();
  std::size_t wanted = 0, lacking = 0;
  std::string first;
  const auto lacks = [&](const cell& c, const std::string& why) {
    if (lacking++ == 0) first = fmt::format("{}: {}", describe(c), why);
  };
  for (std::size_t i = 0; i < grid.cell_count(); ++i) {
    const cell c = make_cell(grid, i);
    if (c.model != model) continue;
    ++wanted;
    const std::optional<cell_position> position = parent_of(c, table.initial_model, grid_);
    if (!position) {
      lacks(c, "no such cell");
      continue;
    }
    const std::size_t number = cell_number(grid_, *position);
    if (status[number] != cell_status::done) {
      lacks(c, status[number] == cell_status::failed ? "failed" : "not done yet");
    } else if (std::binary_search(damaged.begin(), damaged.end(), number)) {
      lacks(c, "damaged, its checksum is wrong");
    } else {
      try {
        weights(c, table, d);
      } catch (const specification_error& e) {
        lacks(c, e.what());
      }
    }
  }
  if (lacking == 0) return;
  throw specification_error(
      fmt::format("models.{}.initial_file: {} lacks the weights of {} for {} of {} cells, the first of them {}\n  Run "
                  "that sweep to "
                  "its end with the same mixtures, hardness, n and repeats, and with keep_weights = true",
                  model, path_, table.initial_model, lacking, wanted, first));
}

void open_initial_weights(table_reader& keys, const specification& spec, model_specification& model) {
  const std::string path = (spec.directory / model.initial_file).string();
  try {
    model.initial = std::make_shared<const initial_weights_file>(path);
  } catch (const error& e) {
    keys.problem("initial_file", fmt::format("names no results file that can be read ({})", e.what()));
    return;
  } catch (const std::filesystem::filesystem_error& e) {
    keys.problem("initial_file", fmt::format("names a file that cannot be read ({})", e.what()));
    return;
  }
  const std::string& actual = model.initial->sha256();
  if (!model.initial_sha256.empty() && model.initial_sha256 != actual) {
    keys.problem("initial_sha256", fmt::format("is {}, but {} has {}: the file has changed", model.initial_sha256,
                                               model.initial_file, actual));
  }
  model.initial_sha256 = actual;
  const coordinates& grid = model.initial->grid();
  if (std::find(grid.models.begin(), grid.models.end(), model.initial_model) == grid.models.end()) {
    keys.problem("initial_model", fmt::format("names \"{}\", but {} has the models {}", model.initial_model,
                                              model.initial_file, listed(grid.models)));
  } else if (grid.rows.size() != static_cast<std::size_t>(2 * spec.d + 2)) {
    keys.problem("initial_file",
                 grid.rows.empty() ? "names a file without weights; it must come from a sweep with keep_weights = true"
                                   : fmt::format("names a file with weights of d = {}, and here task.d = {}",
                                                 grid.rows.size() / 2 - 1, spec.d));
  }
}

void require_initial_weights(const specification& spec, const coordinates& grid) {
  for (const auto& [name, model] : spec.model_tables) {
    if (model.initial) model.initial->require_cells(grid, name, model, spec.d);
  }
}

}  // namespace cotscale::detail
