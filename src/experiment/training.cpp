#include "training.hpp"

#include <algorithm>
#include <limits>

#include "cotscale/base/error.hpp"
#include "cotscale/experiment/initial_weights.hpp"
#include "cotscale/experiment/models.hpp"
#include "kept_weights.hpp"

namespace cotscale::detail {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// Of the matrices V and W of linear self-attention, where they stand in a cell's result; others have a list.
std::vector<double>* matrix_of(const std::string& name, cell_result& out) {
  if (name == "v") return &out.v;
  return name == "w" ? &out.w : nullptr;
}

}  // namespace

std::shared_ptr<const trained_sequence> train_model(const specification& spec, const coordinates& grid, const cell& c,
                                                    const task_mixture& tasks, const mixture_theory& theory,
                                                    const std::stop_token& stop) {
  const model_specification& table = spec.model_tables.at(c.model);
  const std::unique_ptr<const sequence_model> model = make_model(table);
  std::vector<tensor_values> initial;
  if (table.initial) {
    initial = table.initial->weights(c, table, model->tensors(spec.d, static_cast<int>(c.n)));
  }
  return model->train({.tasks = tasks,
                       .n = static_cast<int>(c.n),
                       .key = training_key(spec, c),
                       .optimum = theory.optimum,
                       .directions = theory.directions,
                       .target_unit = theory.units.target,
                       .mixture_unit = theory.units.mixture,
                       .record_steps = grid.training_steps,
                       .blas_threads = threads_of_blas(spec),
                       .initial = table.initial ? &initial : nullptr},
                      stop);
}

void store_training(const training_report& report, const coordinates& grid, cell_result& out) {
  out.training_steps = report.steps;
  out.step_size = report.step_size;
  out.step_size_paper = report.step_size_paper;
  out.gradient_norm = report.gradient_norm;
  out.final_loss = report.final_loss;
  out.preconditioner_error = report.preconditioner_error;
  out.weakest_direction_error = report.weakest_direction_error;
  out.w24 = report.w24;
  out.converged = report.converged ? 1 : 0;
  out.training_diverged = report.diverged ? 1 : 0;
  out.training_seconds = report.seconds;
  out.tokens_per_second = report.tokens_per_second;
  for (const auto& [from, to] : {std::pair{&report.loss, &out.training_loss},
                                 {&report.distance, &out.training_distance},
                                 {&report.off_slice, &out.training_off_slice}}) {
    *to = *from;
    to->resize(grid.training_steps.size(), nan);
  }
}

// A tensor of fewer positions than the file has room for ends in NaN.
void store_weights(const trained_sequence& model, const std::string& name, bool keep, const coordinates& grid,
                   cell_result& out) {
  out.v.assign(grid.rows.size() * grid.rows.size(), nan);
  out.w = out.v;
  std::vector<std::size_t> places;  // in out.weights, of those of the grid
  for (const weight_variable& weight : grid.weights) {
    places.push_back(out.weights.size());
    out.weights.resize(out.weights.size() + weight.size(), std::numeric_limits<float>::quiet_NaN());
  }
  if (!keep) return;
  for (const tensor_values& tensor : model.tensors()) {
    if (const auto* doubles = std::get_if<std::vector<double>>(&tensor.values)) {
      std::vector<double>* to = matrix_of(tensor.name, out);
      expects(to != nullptr && to->size() == doubles->size(), "store_weights: no room for {}", tensor.name);
      *to = *doubles;
      continue;
    }
    const auto& floats = std::get<std::vector<float>>(tensor.values);
    const std::size_t i = kept_number(grid, name, tensor.name);
    expects(i < places.size() && grid.weights[i].size() >= floats.size(), "store_weights: no room for {}", tensor.name);
    std::copy(floats.begin(), floats.end(), out.weights.begin() + static_cast<std::ptrdiff_t>(places[i]));
  }
}

}  // namespace cotscale::detail
