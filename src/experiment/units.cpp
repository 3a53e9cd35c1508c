#include "units.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>

#include "cotscale/base/error.hpp"
#include "cotscale/experiment/grid.hpp"
#include "cotscale/experiment/stages.hpp"
#include "cotscale/select/plain.hpp"

namespace cotscale::detail {
namespace {

// Where the eigenvalues of a mixture come from.
std::string key_of(const specification& spec, const std::string& mixture) {
  if (mixture == matched_mixture) return "target";
  return depends_on_candidates(spec, mixture) ? "tasks" : "mixtures." + mixture;
}

double largest_eigenvalue(const specification& spec, const std::string& mixture, const covariance& target) {
  if (!depends_on_candidates(spec, mixture)) return mixture_covariance(spec, mixture, target).largest_eigenvalue();
  const std::shared_ptr<const candidate_tasks> candidates = make_candidates(spec, 0);
  double largest = 0;
  for (const covariance& task : candidates->tasks) largest = std::max(largest, task.largest_eigenvalue());
  return largest;
}

// Computations are in units of the covariances, and so is the noise.
void require_noise(const specification& spec, const std::string& key, double largest) {
  constexpr double margin = 4;
  if (std::isfinite(margin * spec.noise / largest)) return;
  throw specification_error(
      fmt::format("task.noise: is {:.3g}, which in units of {}, of largest eigenvalue {:.3g}, is beyond what a double "
                  "holds; lower it, or scale the covariances up",
                  spec.noise, key, largest));
}

void require_noise(const specification& spec, const coordinates& grid) {
  if (spec.noise == 0) return;
  for (const double hardness : grid.hardness) {
    const covariance target = target_covariance(spec, hardness);
    require_noise(spec, "target", target.largest_eigenvalue());
    for (const std::string& mixture : all_mixtures(spec)) {
      require_noise(spec, key_of(spec, mixture), largest_eigenvalue(spec, mixture, target));
    }
  }
}

}  // namespace

void require_in_range(const specification& spec, const coordinates& grid) {
  require_noise(spec, grid);
  const bool learns = std::any_of(spec.model_tables.begin(), spec.model_tables.end(), [](const auto& table) {
    return training_of(table.second, stage_count(table.second) - 1).learns_from_samples();
  });
  const std::vector<std::string> mixtures = all_mixtures(spec);
  const bool compares = std::any_of(mixtures.begin(), mixtures.end(), [](const std::string& mixture) {
    return mixture == "selected" || mixture == "exact" || mixture == "relevant";
  });
  if (!learns && !compares) return;
  for (const double hardness : grid.hardness) {
    const covariance target = target_covariance(spec, hardness);
    for (const auto& [name, table] : spec.model_tables) {
      for (std::size_t s = 0; s < stage_count(table); ++s) {
        const sequence_model& model = training_of(table, s);
        model.require_range(name, "target", target.largest_eigenvalue(), false);
        if (!model.learns_from_samples()) continue;
        for (const std::string& mixture : mixtures_of(spec, table, s)) {
          model.require_range(name, key_of(spec, mixture), largest_eigenvalue(spec, mixture, target), true);
        }
      }
    }
    if (compares) require_comparable(make_candidates(spec, 0)->tasks, target);
  }
}

}  // namespace cotscale::detail
