#include "units.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>

#include "cotscale/base/error.hpp"
#include "cotscale/experiment/grid.hpp"
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

// Features in single precision.
void require_features(const std::string& model, const std::string& key, double largest) {
  if (std::sqrt(largest) <= std::numeric_limits<float>::max()) return;
  throw specification_error(
      fmt::format("{}: has the eigenvalue {:.3g}, whose features are beyond the single precision that the transformer "
                  "models.{} computes in; scale the covariances down",
                  key, largest, model));
}

// Adam squares gradients, which are W₁₃Λ at first.
void require_gradients(const std::string& model, const sampled_options& options, const std::string& key,
                       double largest) {
  const bool squares = options.optimizer.rule == update_rule::adam || options.optimizer.rule == update_rule::adamw;
  if (!squares || options.initial == initial_weights::given) return;
  const double gradient =
      largest * (options.initial == initial_weights::random ? options.initial_scale : std::abs(options.c));
  if (std::isfinite(gradient * gradient)) return;
  throw specification_error(
      fmt::format("{}: has the eigenvalue {:.3g}, for which the squares of gradients that the optimiser of models.{} "
                  "takes are beyond what a double holds; scale the covariances down, or take optimizer = \"gd\" with a "
                  "learning_rate that fits them",
                  key, largest, model));
}

}  // namespace

void require_in_range(const specification& spec, const coordinates& grid) {
  const bool learns = std::any_of(spec.model_tables.begin(), spec.model_tables.end(),
                                  [](const auto& table) { return table.second.training == training_method::samples; });
  const bool compares = std::any_of(spec.mixtures.begin(), spec.mixtures.end(), [](const std::string& mixture) {
    return mixture == "selected" || mixture == "exact" || mixture == "relevant";
  });
  if (!learns && !compares) return;
  for (const double hardness : grid.hardness) {
    const covariance target = target_covariance(spec, hardness);
    for (const auto& [name, model] : spec.model_tables) {
      if (model.training != training_method::samples) continue;
      const bool transformer = model.architecture == architecture_kind::gpt2;
      if (transformer) require_features(name, "target", target.largest_eigenvalue());
      for (const std::string& mixture : spec.mixtures) {
        const double largest = largest_eigenvalue(spec, mixture, target);
        if (transformer) {
          require_features(name, key_of(spec, mixture), largest);
        } else {
          require_gradients(name, model.sampled, key_of(spec, mixture), largest);
        }
      }
    }
    if (compares) require_comparable(make_candidates(spec, 0)->tasks, target);
  }
}

}  // namespace cotscale::detail
