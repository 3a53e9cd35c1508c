// The keys of linear self-attention.
#include "keys.hpp"

#include <array>

#include "cotscale/base/error.hpp"
#include "cotscale/config/part_definition.hpp"
#include "cotscale/train/learning_keys.hpp"
#include "lsa.hpp"

namespace cotscale {
namespace architectures {
namespace {

constexpr std::array<config::word<roll_out_method>, 2> roll_outs{
    {{roll_out_method::recursion, "recursion", "the recursion of Proposition 3.2"},
     {roll_out_method::definition, "definition",
      "attention over the full embedding, for which all examples are drawn (slow; the two agree to rounding)"}}};

constexpr std::array<config::word<parameter_set>, 2> parameter_sets{
    {{parameter_set::full, "full", "all of V and W but W₂₄"}, {parameter_set::slice, "slice", "V₃₁ only"}}};

void descent_keys(config::keys& k, descent_options& o) {
  k.value(
      {.name = "tolerance",
       .help = "stop when the relative error of the weakest direction is no larger: ‖(A − A*)q‖/‖A*q‖ ≤ `tolerance` "
               "for every eigenvector q of the optimum A* = Γ⁻¹, or right singular vector where it is not symmetric"},
      o.tolerance, {.above = 0});
  k.value({.name = "max_steps",
           .help = "then the cell is done, and marked not converged. A direction of eigenvalue λ needs some "
                   "ln(1/`tolerance`) λ_max γ(λ_max)/(λ γ(λ)) steps; they are skipped, not taken one by one, so that a "
                   "large value costs nothing"},
          o.max_steps, {.least = 1, .most = most_training_steps});
  k.value({.name = "step_size",
           .help = "constant step of gradient descent. Above twice the default it diverges. The default is the largest "
                   "with monotone convergence. The paper's 1/(c² ‖Γ‖) is stored beside it; it diverges for, say, λ_j ∝ "
                   "1/j of trace d",
           .otherwise = "1/(c² ‖ΛΓ‖)"},
          o.step_size, {.above = 0});
}

}  // namespace

void entry_keys(config::keys& k, lsa_options& options) {
  k.word({.name = "parameters", .help = "what learns"}, options.parameters, parameter_sets);
  k.when(options.parameters == parameter_set::slice, R"(parameters = "slice")",
         [&] { k.value({.name = "train_w13", .help = "W₁₃ learns too"}, options.free_w13); });
  k.value({.name = "train_w24",
           .help = "W₂₄ learns too. Then only the product W₂₄V₃₁ is determined: one step is right, the chain is not"},
          options.free_w24);
}

void beginning_keys(config::keys& k, lsa_options& options, stored_weights& stored) {
  beginning begins{.weights = options.initial};
  initialisation_word(k, begins);
  if (begins.scheme != nullptr) {
    k.problem("initialisation", fmt::format("\"{}\" is of transformers; take \"theorem\", \"random\" or \"stored\"",
                                            begins.scheme->word()));
  }
  options.initial = begins.weights;
  k.when(options.initial == initial_weights::random, R"(initialisation = "random")", [&] {
    k.value({.name = "initial_scale", .help = "standard deviation"}, options.initial_scale, {.above = 0});
  });
  stored_keys(k, options.initial, stored);
}

void scale_key(config::keys& k, double& c) {
  k.value({.name = "c", .help = "W₁₃ = c I and W₂₄ = −c stay fixed"}, c, {.other_than = 0});
}

void lsa::keys(config::keys& k, const key_choice& which, stored_weights& stored) {
  lsa_settings& s = settings_;
  if (which.of_training) {
    training_word(k, s.training);
    const bool samples = s.training == training_method::samples;
    objective_word(k, s.samples.objective);
    k.after("training", [&] {
      if (samples || !s.samples.objective->form().has_chain) return;
      k.problem("objective", "needs training = \"samples\"; the population loss is that of \"direct\"");
    });
    k.when(samples, R"(training = "samples")", [&] {
      learning_keys(k, s.samples);
      entry_keys(k, s.samples);
      if (which.of_model) beginning_keys(k, s.samples, stored);
    });
  } else {
    beginning_keys(k, s.samples, stored);
  }
  if (which.of_model) {
    k.word({.name = "roll_out", .help = "how chains are computed"}, s.roll_out, roll_outs);
    scale_key(k, s.descent.c);
    s.samples.c = s.descent.c;
  }
  if (!which.of_training) return;
  k.when(s.training == training_method::population, R"(training = "population")", [&] { descent_keys(k, s.descent); });
}

// A model with stages says what it begins with in a table that does not know how the first of them trains.
void lsa::require_trainable(config::keys& k, int, std::int64_t) const {
  if (learns_from_samples() || settings_.samples.initial == initial_weights::theorem) return;
  k.problem("training",
            "must be \"samples\" where the model has an initialisation: the population loss is descended, and "
            "minimised, from the theorem's start; remove initialisation, or set it to \"theorem\"");
}

}  // namespace architectures

template const sequence_model& config::part<sequence_model, architectures::lsa>();

}  // namespace cotscale
