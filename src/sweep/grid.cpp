#include "cotscale/sweep/grid.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "cotscale/base/error.hpp"
#include "cotscale/eval/baselines.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/task/spectrum.hpp"
#include "units.hpp"

namespace cotscale {
namespace {

// The values that make a target what it is; two targets with equal values have equal test prompts.
key_builder& add_target(key_builder& builder, const specification& spec, double hardness) {
  const covariance_specification& t = spec.target;
  builder.add(spec.d);
  if (!t.spectrum) {
    builder.add("hardness").add(hardness);
  } else {
    builder.add("spectrum").add(word_of(*t.spectrum)).add(t.exponent).add(t.sha256).add(t.scale_to_trace ? 1 : 0);
    // A list counts by its ratios, to twelve digits: the same spectrum in other units has the same random numbers.
    for (const double value : t.eigenvalues) {
      builder.add(fmt::format("{:.11e}", value / *std::max_element(t.eigenvalues.begin(), t.eigenvalues.end())));
    }
  }
  return builder.add(word_of(t.basis));
}

// `owner` identifies the covariance by what the specification says of it, never by a computed value, whose last bit may
// differ between hosts: independent rotations differ between owners.
matrix basis_of(const specification& spec, rotation kind, const std::string& owner) {
  switch (kind) {
    case rotation::none:
      return matrix::identity(spec.d);
    case rotation::shared:
      return random_rotation(spec.d, key_builder("shared rotation").add(spec.seed).add(spec.d).key());
    case rotation::independent:
      return random_rotation(spec.d, key_builder("independent rotation").add(spec.seed).add(spec.d).add(owner).key());
  }
  throw precondition_error("basis_of: no such rotation");
}

covariance build(const specification& spec, const covariance_specification& c, const std::string& owner) {
  const matrix rotated = basis_of(spec, c.basis, owner);
  std::vector<double> eigenvalues;
  matrix basis = rotated;
  switch (c.spectrum.value()) {
    case covariance_specification::kind::power_law:
      eigenvalues = power_law_spectrum(spec.d, c.exponent);
      break;
    case covariance_specification::kind::list:
      eigenvalues = c.eigenvalues;
      break;
    case covariance_specification::kind::file: {
      eigenvalues.assign(c.stored->eigenvalues().begin(), c.stored->eigenvalues().end());
      basis = c.basis == rotation::none ? c.stored->basis() : product(rotated, c.stored->basis());
      break;
    }
  }
  if (c.scale_to_trace) eigenvalues = scaled_to_trace(std::move(eigenvalues), spec.d);
  return {std::move(eigenvalues), std::move(basis)};
}

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

// B of the d directions, drawn without replacement: the first B of a random order.
std::vector<int> random_directions(int d, std::int64_t count, stream_key key) {
  std::vector<int> order(static_cast<std::size_t>(d));
  std::iota(order.begin(), order.end(), 0);
  std::vector<double> uniforms(static_cast<std::size_t>(count));
  fill_uniform(key, 0, uniforms);
  for (std::size_t j = 0; j < uniforms.size(); ++j) {
    const double rest = static_cast<double>(order.size() - j);
    std::swap(order[j], order[j + static_cast<std::size_t>(uniforms[j] * rest)]);
  }
  order.resize(static_cast<std::size_t>(count));
  return order;
}

std::string candidate_name(double exponent, std::int64_t directions, int i) {
  return fmt::format("{}-{}-{}", exponent, directions, i);
}

std::vector<std::string> candidate_names(const tasks_specification& tasks) {
  if (tasks.stored) return tasks.stored->names;
  std::vector<std::string> names;
  for (const double exponent : tasks.exponents) {
    for (const std::int64_t directions : tasks.directions) {
      for (int i = 0; i < tasks.each; ++i) names.push_back(candidate_name(exponent, directions, i));
    }
  }
  return names;
}

candidate_tasks generate_candidates(const specification& spec, std::int64_t draw) {
  candidate_tasks out;
  for (const double exponent : spec.tasks.exponents) {
    for (const std::int64_t directions : spec.tasks.directions) {
      for (int i = 0; i < spec.tasks.each; ++i) {
        const std::string name = candidate_name(exponent, directions, i);
        const stream_key key = key_builder("candidate task")
                                   .add(spec.seed)
                                   .add(spec.d)
                                   .add(exponent)
                                   .add(directions)
                                   .add(i)
                                   .add(draw)
                                   .key();
        std::vector<double> eigenvalues(static_cast<std::size_t>(spec.d));
        double j = 1;
        for (const int direction : random_directions(spec.d, directions, key)) {
          eigenvalues[static_cast<std::size_t>(direction)] = std::pow(j++, -exponent);
        }
        out.names.push_back(name);
        out.tasks.emplace_back(std::move(eigenvalues),
                               basis_of(spec, spec.target.basis, fmt::format("candidate {} of draw {}", name, draw)));
      }
    }
  }
  return out;
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
          .model = grid.models[p[0]],
          .mixture = grid.mixtures[p[1]],
          .hardness = grid.hardness[p[2]],
          .n = grid.n[p[3]],
          .repeat = grid.repeats[p[4]]};
}

std::optional<cell_position> find_cell(const coordinates& grid, const cell& c) {
  cell_position out{};
  const auto find = [](const auto& values, const auto& value, std::size_t& index) {
    index = static_cast<std::size_t>(std::find(values.begin(), values.end(), value) - values.begin());
    return index < values.size();
  };
  const bool found = find(grid.models, c.model, out[0]) && find(grid.mixtures, c.mixture, out[1]) &&
                     find(grid.hardness, c.hardness, out[2]) && find(grid.n, c.n, out[3]) &&
                     find(grid.repeats, c.repeat, out[4]);
  return found ? std::optional(out) : std::nullopt;
}

covariance target_covariance(const specification& spec, double hardness) {
  if (spec.target.spectrum) return build(spec, spec.target, "target");
  const double exponent = power_law_exponent(spec.d, hardness);
  return {scaled_to_trace(power_law_spectrum(spec.d, exponent), spec.d),
          basis_of(spec, spec.target.basis, fmt::format("target of hardness {}", hardness))};
}

covariance mixture_covariance(const specification& spec, const std::string& mixture, const covariance& target) {
  if (mixture == matched_mixture) return target;
  if (mixture == isotropic_mixture) return covariance(std::vector<double>(static_cast<std::size_t>(spec.d), 1.0));
  const std::string owner = "mixture " + mixture;
  if (mixture == skewed_mixture) {
    return {scaled_to_trace(power_law_spectrum(spec.d, 1), spec.d), basis_of(spec, spec.target.basis, owner)};
  }
  return build(spec, spec.mixture_tables.at(mixture).task, owner);
}

bool depends_on_candidates(const specification& spec, const std::string& mixture) {
  if (is_candidate_mixture(mixture)) return true;
  const auto table = spec.mixture_tables.find(mixture);
  return table != spec.mixture_tables.end() && !table->second.probabilities.empty();
}

std::shared_ptr<const candidate_tasks> make_candidates(const specification& spec, std::int64_t draw) {
  switch (spec.tasks.source) {
    case tasks_specification::kind::none:
      throw precondition_error("make_candidates: the specification has no [tasks]");
    case tasks_specification::kind::file:
      return spec.tasks.stored;
    case tasks_specification::kind::generated:
      return std::make_shared<const candidate_tasks>(generate_candidates(spec, draw));
  }
  throw precondition_error("make_candidates: no such source");
}

stream_key test_prompt_key(const specification& spec, double hardness, std::int64_t repeat, std::int64_t m) {
  key_builder builder("test prompts");
  builder.add(spec.seed);
  return add_target(builder, spec, hardness).add(repeat).add(m).key();
}

stream_key training_key(const specification& spec, const cell& c) {
  key_builder builder("training");
  builder.add(spec.seed).add(c.model).add(c.mixture);
  return add_target(builder, spec, c.hardness).add(c.n).add(c.repeat).key();
}

stream_key prediction_key(const specification& spec, double hardness, std::int64_t m) {
  key_builder builder("prediction");
  builder.add(spec.seed);
  return add_target(builder, spec, hardness).add(m).key();
}

stream_key null_key(const specification& spec, double hardness, std::int64_t m) {
  key_builder builder("null distribution");
  builder.add(spec.seed);
  return add_target(builder, spec, hardness).add(m).key();
}

stream_key selection_key(const specification& spec, double hardness) {
  key_builder builder("exact selection");
  builder.add(spec.seed);
  return add_target(builder, spec, hardness).add(spec.selection.m).key();
}

stream_key fresh_selection_key(const specification& spec, double hardness) {
  key_builder builder("exact selection, fresh");
  builder.add(spec.seed);
  return add_target(builder, spec, hardness).add(spec.selection.m).key();
}

}  // namespace cotscale
