#include "cotscale/experiment/grid.hpp"

#include <algorithm>
#include <numeric>

#include "cotscale/base/error.hpp"
#include "cotscale/eval/baselines.hpp"
#include "units.hpp"

namespace cotscale {
namespace {

std::int64_t most_training_steps(const model_specification& model) {
  switch (model.training) {
    case training_method::population:
      return model.max_steps;
    case training_method::samples:
      return model.architecture == architecture_kind::gpt2 ? model.gpt2.steps : model.sampled.steps;
    case training_method::closed_form:
      return 0;
  }
  throw precondition_error("most_training_steps: no such training");
}

std::vector<std::int64_t> training_step_axis(const specification& spec) {
  std::int64_t most = 0;
  for (const auto& [name, model] : spec.model_tables) most = std::max(most, most_training_steps(model));
  std::vector<std::int64_t> steps{0};
  for (std::int64_t step = 1; step <= most; step *= 2) steps.push_back(step);
  return steps;
}

// What the dimensions of a transformer's parameter are indices of. The two of a square matrix have different names:
// readers cannot tell equal ones apart.
std::vector<std::string> dimensions_of(const gpt2_tensor& tensor) {
  struct rule {
    std::string_view ending;
    std::vector<std::string> dimensions;
  };
  static const std::vector<rule> rules{{"read_in.weight", {"embedding", "token_entry"}},
                                       {"wpe.weight", {"position", "embedding"}},
                                       {"attn.c_attn.weight", {"embedding", "query_key_value"}},
                                       {"attn.c_attn.bias", {"query_key_value"}},
                                       {"attn.c_proj.weight", {"attended", "embedding"}},
                                       {"mlp.c_fc.weight", {"embedding", "hidden"}},
                                       {"mlp.c_fc.bias", {"hidden"}},
                                       {"mlp.c_proj.weight", {"hidden", "embedding"}},
                                       {"read_out.weight", {"component", "embedding"}},
                                       {"read_out.bias", {"component"}}};
  const auto found =
      std::find_if(rules.begin(), rules.end(), [&](const rule& r) { return tensor.name.ends_with(r.ending); });
  return found != rules.end() ? found->dimensions : std::vector<std::string>{"embedding"};
}

// Parameters of the transformers that keep them; positions are those of the largest n.
std::vector<weight_variable> kept_weights(const specification& spec) {
  std::vector<weight_variable> weights;
  const auto n = static_cast<int>(*std::max_element(spec.n.begin(), spec.n.end()));
  for (const auto& [name, model] : spec.model_tables) {
    if (model.architecture != architecture_kind::gpt2 || !model.keep_weights || !weights.empty()) continue;
    const gpt2_layout layout(trained_configuration(spec.d, n, model.gpt2));
    for (const gpt2_tensor& tensor : layout.tensors()) {
      weights.push_back({.name = tensor.name,
                         .shape = {tensor.shape.begin(), tensor.shape.end()},
                         .dimensions = dimensions_of(tensor)});
    }
  }
  return weights;
}

}  // namespace

std::string describe(const cell& c) {
  return fmt::format("model {}, mixture {}, hardness {:.6g}, n {}, repeat {}", c.model, c.mixture, c.hardness, c.n,
                     c.repeat);
}

coordinates make_coordinates(const specification& spec) {
  coordinates grid{.models = spec.models,
                   .mixtures = spec.mixtures,
                   .hardness = spec.hardness,
                   .target_support_hardness = {},
                   .n = spec.n,
                   .repeats = std::vector<std::int64_t>(static_cast<std::size_t>(spec.repeats)),
                   .m = spec.m,
                   .k = std::vector<std::int64_t>(static_cast<std::size_t>(spec.steps) + 1),
                   .training_steps = training_step_axis(spec),
                   .baselines = {},
                   .tasks = {},
                   .rows = {},
                   .weights = kept_weights(spec)};
  std::iota(grid.repeats.begin(), grid.repeats.end(), 0);
  std::iota(grid.k.begin(), grid.k.end(), 0);
  if (spec.target.spectrum) grid.hardness = {target_covariance(spec, 0).hardness()};
  for (const double hardness : grid.hardness) {
    grid.target_support_hardness.push_back(target_covariance(spec, hardness).support_hardness());
  }
  if (spec.baselines) grid.baselines.assign(baseline_names.begin(), baseline_names.end());
  grid.tasks = candidate_names(spec.tasks);
  const bool keeps_weights = std::any_of(spec.model_tables.begin(), spec.model_tables.end(), [](const auto& table) {
    return table.second.keep_weights && table.second.architecture == architecture_kind::lsa;
  });
  if (keeps_weights) grid.rows.resize(static_cast<std::size_t>(2 * spec.d + 2));
  std::iota(grid.rows.begin(), grid.rows.end(), 0);
  const covariance target = target_covariance(spec, grid.hardness.front());
  for (const std::string& mixture : spec.mixtures) {
    if (!depends_on_candidates(spec, mixture)) mixture_covariance(spec, mixture, target);
  }
  detail::require_in_range(spec, grid);
  return grid;
}

cell make_cell(const coordinates& grid, std::size_t number) {
  const cell_position p = position_of(grid, number);
  return {.position = p,
          .model = grid.models[p[model_axis]],
          .mixture = grid.mixtures[p[mixture_axis]],
          .hardness = grid.hardness[p[hardness_axis]],
          .n = grid.n[p[n_axis]],
          .repeat = grid.repeats[p.back()]};
}

std::optional<cell_position> find_cell(const coordinates& grid, const cell& c) {
  cell_position out(first_further_axis + grid.further.size() + 1);
  const auto find = [](const auto& values, const auto& value, std::size_t& index) {
    index = static_cast<std::size_t>(std::find(values.begin(), values.end(), value) - values.begin());
    return index < values.size();
  };
  const bool found = find(grid.models, c.model, out[model_axis]) && find(grid.mixtures, c.mixture, out[mixture_axis]) &&
                     find(grid.hardness, c.hardness, out[hardness_axis]) && find(grid.n, c.n, out[n_axis]) &&
                     find(grid.repeats, c.repeat, out.back());
  return found ? std::optional(out) : std::nullopt;
}

}  // namespace cotscale
