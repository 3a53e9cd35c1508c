#include "lsa.hpp"

#include <cmath>
#include <limits>

#include "cotscale/base/error.hpp"
#include "cotscale/train/optimizer_part.hpp"
#include "tensors.hpp"

namespace cotscale::architectures {

model_limits lsa::limits() const { return {.needs_examples = by_definition()}; }

std::vector<model_tensor> lsa::tensors(int d, int) const { return tensors_of_v_and_w(d); }

std::int64_t lsa::most_training_steps() const {
  switch (settings_.training) {
    case training_method::population:
      return settings_.descent.max_steps;
    case training_method::samples:
      return settings_.samples.steps;
    case training_method::closed_form:
      return 0;
  }
  throw precondition_error("most_training_steps: no such training");
}

double lsa::map_tolerance() const {
  if (learns_from_samples()) return std::numeric_limits<double>::quiet_NaN();
  return settings_.training == training_method::closed_form ? closed_form_tolerance : settings_.descent.tolerance;
}

// Adam squares gradients, which are W₁₃Λ at first.
void lsa::require_range(const std::string& model, const std::string& key, double largest, bool trains) const {
  const lsa_options& o = settings_.samples;
  if (!trains || !learns_from_samples() || o.initial == initial_weights::given) return;
  if (!o.optimizer.rule->squares_gradients()) return;
  const double gradient = largest * (o.initial == initial_weights::random ? o.initial_scale : std::abs(o.c));
  if (std::isfinite(gradient * gradient)) return;
  throw specification_error(
      fmt::format("{}: has the eigenvalue {:.3g}, for which the squares of gradients that the optimiser of models.{} "
                  "takes are beyond what a double holds; scale the covariances down, or take optimizer = \"gd\" with a "
                  "learning_rate that fits them",
                  key, largest, model));
}

}  // namespace cotscale::architectures
