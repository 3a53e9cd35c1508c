#include "isotropy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "cotscale/config/writer.hpp"
#include "cotscale/experiment/stages.hpp"
#include "declarations.hpp"

namespace cotscale::detail {
namespace {

// The eigenvalue of a spectrum that has one only.
std::optional<double> value_of(const specification& spec, const covariance_specification& c) {
  const std::optional<double> value = c.spectrum->isotropic_value(spec.d);
  return value && c.scale_to_trace ? 1 : value;  // of trace d
}

std::string of_features(const std::string& table, const covariance_specification& c) {
  return fmt::format("{}.features is \"{}\"", table, c.features->word());
}

std::string of_target(const specification& spec) {
  if (spec.noise > 0) return fmt::format("task.noise is {}", spec.noise);
  if (!spec.weights->is_gaussian()) return fmt::format("task.weights is \"{}\"", spec.weights->word());
  if (!spec.target.features->is_gaussian()) return of_features("target", spec.target);
  if (spec.target.spectrum) {
    return value_of(spec, spec.target) ? "" : "target.spectrum has eigenvalues that differ, or may differ";
  }
  for (const double hardness : spec.hardness) {
    if (hardness != spec.d) return fmt::format("sweep.hardness has the value {}, and is d only of I", hardness);
  }
  return "";
}

std::string of_mixture(const specification& spec, const std::string& mixture) {
  if (mixture == matched_mixture || mixture == isotropic_mixture) return "";
  if (mixture == skewed_mixture) return spec.d == 1 ? "" : "sweep.mixtures has \"skewed\"";
  const auto table = spec.mixture_tables.find(mixture);
  if (table == spec.mixture_tables.end() || !table->second.probabilities.empty()) {
    return fmt::format("mixture {} is made of candidates", mixture);
  }
  const covariance_specification& task = table->second.task;
  if (!task.features->is_gaussian()) return of_features("mixtures." + mixture, task);
  if (!task.spectrum || value_of(spec, task)) return "";
  return fmt::format("mixtures.{}.spectrum has eigenvalues that differ, or may differ", mixture);
}

std::string of_model(const std::string& name, const model_specification& model) {
  if (stage_count(model) > 1) return fmt::format("models.{} has several stages of training", name);
  if (training_of(model, 0).keeps_isotropy() && model.architecture->keeps_isotropy()) return "";
  return fmt::format(
      "models.{} makes more of its prompts than multiples of Ŝ (all but linear self-attention that is "
      "trained on its population loss, and rolled out by the recursion)",
      name);
}

// What decides its prompts, in words.
std::string target_text(specification spec) {
  config::writer out(config::writer::what::numbers);
  out.table("task");
  task_keys(out, spec);
  out.table("target");
  target_keys(out, spec.target, spec);
  hardness_keys(out, spec, false);
  return fmt::format("{}{}", out.text(), spec.seed);
}

}  // namespace

std::string not_isotropic(const specification& spec) {
  if (std::string why = of_target(spec); !why.empty()) return why;
  for (const std::string& mixture : all_mixtures(spec)) {
    if (std::string why = of_mixture(spec, mixture); !why.empty()) return why;
  }
  for (const auto& [name, model] : spec.model_tables) {
    if (std::string why = of_model(name, model); !why.empty()) return why;
  }
  return "";
}

double isotropic_target(const specification& spec) {
  return spec.target.spectrum ? value_of(spec, spec.target).value() : 1;
}

double isotropic_mixture_value(const specification& spec, const std::string& mixture) {
  if (mixture == matched_mixture) return isotropic_target(spec);
  const auto table = spec.mixture_tables.find(mixture);
  if (table == spec.mixture_tables.end()) return 1;
  const covariance_specification& task = table->second.task;
  return task.spectrum ? value_of(spec, task).value() : isotropic_target(spec);
}

void agree_on_samplers(std::vector<specification>& variants) {
  std::map<std::string, bool> mixed;
  std::vector<std::string> targets;
  for (const specification& variant : variants) {
    targets.push_back(target_text(variant));
    mixed[targets.back()] |= !not_isotropic(variant).empty();
  }
  for (std::size_t i = 0; i < variants.size(); ++i) variants[i].beside_others = mixed.at(targets[i]);
}

}  // namespace cotscale::detail
