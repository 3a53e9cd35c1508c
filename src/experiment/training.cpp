#include "training.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>
#include <utility>

#include "cotscale/base/error.hpp"
#include "cotscale/experiment/initial_weights.hpp"
#include "cotscale/experiment/stages.hpp"
#include "kept_weights.hpp"
#include "variables.hpp"

namespace cotscale::detail {
namespace {

// Over the steps at which training was recorded, which are the first of the axis.
void write_series(std::string_view name, std::vector<double> values, cell_values& out) {
  values.resize(std::min(values.size(), out.of<double>(name).size()));
  out.write(name, values);
}

}  // namespace

std::shared_ptr<const trained_sequence> train_model(const specification& spec, const coordinates& grid, const cell& c,
                                                    const trained_sequence* before, const task_mixture& tasks,
                                                    const mixture_theory& theory, const std::stop_token& stop) {
  const model_specification& table = spec.model_tables.at(c.model);
  const sequence_model& model = training_of(spec, c);
  std::optional<std::vector<tensor_values>> initial;
  if (before != nullptr) {
    initial = before->tensors();
  } else if (table.initial) {
    cell source = c;  // of the cell's mixture, whatever the stage's is
    source.mixture = grid.mixtures.at(c.position.at(mixture_axis));
    initial = table.initial->weights(source, table, model.tensors(spec.d, static_cast<int>(c.n)));
  }
  return model.train({.tasks = tasks,
                      .n = static_cast<int>(c.n),
                      .key = training_key(spec, c),
                      .optimum = theory.optimum,
                      .directions = theory.directions,
                      .target_unit = theory.units.target,
                      .mixture_unit = theory.units.mixture,
                      .record_steps = grid.training_steps,
                      .blas_threads = threads_of_blas(spec),
                      .initial = initial ? &*initial : nullptr},
                     stop);
}

void store_training(const trained_sequence& model, cell_values& out) {
  const training_report& report = model.report();
  out.set("training_steps", std::int64_t{report.steps});
  out.set("step_size", report.step_size);
  out.set("step_size_paper", report.step_size_paper);
  out.set("gradient_norm", report.gradient_norm);
  out.set("final_loss", report.final_loss);
  out.set("preconditioner_error", report.preconditioner_error);
  out.set("weakest_direction_error", report.weakest_direction_error);
  out.set("w24", report.w24);
  out.set("converged", static_cast<std::int8_t>(report.converged ? 1 : 0));
  out.set("training_diverged", static_cast<std::int8_t>(report.diverged ? 1 : 0));
  write_series("training_loss", report.loss, out);
  write_series("training_distance", report.distance, out);
  write_series("training_off_slice", report.off_slice, out);
  if (const auto map = model.map_of_steps(); map && out.has("preconditioner")) {
    const std::size_t room = out.of<double>("preconditioner").size();
    const bool scalar = map->size() == 1 && room > 1;
    const auto d = static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(room))));
    const matrix whole = scalar ? matrix::diagonal(std::vector<double>(d, (*map)(0, 0))) : *map;
    out.write("preconditioner", std::vector<double>(whole.values().begin(), whole.values().end()));
  }
  if (!(report.seconds > 0)) return;
  // Of all stages together.
  const double before = out.training_seconds > 0 ? out.training_seconds : 0;
  const double tokens = before > 0 ? before * out.tokens_per_second : 0;
  out.training_seconds = before + report.seconds;
  out.tokens_per_second = (tokens + report.seconds * report.tokens_per_second) / out.training_seconds;
}

// A tensor of fewer positions than the file has room for ends in NaN.
void store_weights(const trained_sequence& model, const std::string& name, const coordinates& grid, cell_values& out) {
  for (const tensor_values& tensor : model.tensors()) {
    if (const auto* doubles = std::get_if<std::vector<double>>(&tensor.values)) {
      out.write(tensor.name, *doubles);
      continue;
    }
    const std::size_t i = kept_number(grid, name, tensor.name);
    expects(i < grid.weights.size(), "store_weights: no room for {}", tensor.name);
    out.write(grid.weights[i].name, std::get<std::vector<float>>(tensor.values));
  }
}

std::span<const variable> training_variables() {
  using enum value_type;
  const std::vector<std::string> over{"stage?", "training_step"}, once{"stage?"};
  const std::string verdicts = "not_computed no yes";
  static const std::vector<variable> declared{
      {"training_steps", i64, once, "steps of training that were taken, -1 not computed"},
      {"step_size", f64, once,
       "constant step of gradient descent on the population loss, in units of 1/(c Lambda)^2; largest learning rate of "
       "training from samples"},
      {"step_size_paper", f64, once, "the step of Theorem 3.1, 1/(c^2 |Gamma|), in units of 1/(c^2 Lambda)"},
      {"gradient_norm", f64, once, "norm of the last gradient of the population loss relative to the first"},
      {"final_loss", f64, once,
       "population loss after the last step; from samples, mean of the objective over the last batches"},
      {"training_loss", f64, over, "population loss during training; from samples, objective of the next batch"},
      {"training_distance", f64, over, "relative distance of the preconditioner from Gamma^-1 during training"},
      {"training_off_slice", f64, over, "norm of the blocks of V and W that stay zero in Theorem 3.1, relative to V31"},
      {"preconditioner_error", f64, once, "relative distance of the preconditioner from Gamma^-1"},
      {"weakest_direction_error", f64, once,
       "largest relative distance of the preconditioner from Gamma^-1 along any of its directions"},
      {"w24", f64, once, "W24 after training, of models that have it; of linear self-attention in units of c"},
      {.name = "converged",
       .type = i8,
       .axes = once,
       .long_name = "whether training came to its end as it should",
       .meanings = verdicts},
      {.name = "training_diverged",
       .type = i8,
       .axes = once,
       .long_name = "whether training diverged",
       .meanings = verdicts},
  };
  return declared;
}

std::span<const variable> weight_variables() {
  using enum value_type;
  const std::vector<std::string> over{"row", "column"};
  const std::string group(weights_group);
  static const std::vector<variable> declared{
      {"v", f64, over, "V after training; V31 of linear self-attention in units of 1/(c Lambda)", "1", group},
      {"w", f64, over, "W after training; W24 of linear self-attention in units of c", "1", group},
      {"preconditioner",
       f64,
       {"output", "input"},
       "A = W24 V31 after training, in units of 1/Lambda: a step is A S (w - w_k)",
       "1",
       std::string(matrices_group)},
  };
  return declared;
}

}  // namespace cotscale::detail
