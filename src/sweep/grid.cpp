#include "cotscale/sweep/grid.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

#include "cotscale/base/error.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/task/spectrum.hpp"

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
    for (const double value : t.eigenvalues) builder.add(value);
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

std::vector<std::int64_t> loss_step_axis(const specification& spec) {
  std::int64_t most = 0;
  for (const auto& [name, model] : spec.model_tables) {
    if (model.training == training_method::population) most = std::max(most, model.max_steps);
  }
  std::vector<std::int64_t> steps{0};
  for (std::int64_t step = 1; step <= most; step *= 2) steps.push_back(step);
  return steps;
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
                   .training_steps = loss_step_axis(spec)};
  std::iota(grid.repeats.begin(), grid.repeats.end(), 0);
  std::iota(grid.k.begin(), grid.k.end(), 0);
  if (spec.target.spectrum) grid.hardness = {target_covariance(spec, 0).hardness()};
  for (const double hardness : grid.hardness) {
    grid.target_support_hardness.push_back(target_covariance(spec, hardness).support_hardness());
  }
  const covariance target = target_covariance(spec, grid.hardness.front());
  for (const std::string& mixture : spec.mixtures) mixture_covariance(spec, mixture, target);
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
  return build(spec, spec.mixture_tables.at(mixture), owner);
}

stream_key test_prompt_key(const specification& spec, double hardness, std::int64_t repeat, std::int64_t m) {
  key_builder builder("test prompts");
  builder.add(spec.seed);
  return add_target(builder, spec, hardness).add(repeat).add(m).key();
}

}  // namespace cotscale
