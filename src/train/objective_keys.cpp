#include <array>
#include <vector>

#include "cotscale/train/keys.hpp"
#include "cotscale/train/objective_part.hpp"

namespace cotscale {
namespace {

std::vector<config::word<objective>> words_of_objectives() {
  std::vector<config::word<objective>> out;
  for (const objective_part* part : objective_parts()) out.push_back({part->kind, part->word, part->help});
  return out;
}

constexpr std::array<config::word<process_targets>, 2> targets{
    {{process_targets::geometric, "geometric", "w_i = (1 − (1 − η)^i) w"},
     {process_targets::gradient_descent, "gd", "gradient descent on the prompt"}}};

}  // namespace

void objective_word(config::keys& k, objective_options& o) {
  static const auto objectives = words_of_objectives();
  k.word({.name = "objective", .help = "what is learned from samples (below); the population loss is that of `direct`"},
         o.kind, objectives);
}

void objective_keys(config::keys& k, objective_options& o) {
  k.when(o.kind != objective::direct, R"(objective = "process" or "outcome" or "rollout")", [&] {
    k.value({.name = "k_train",
             .help = "steps of the training chain (`rollout`: the longest)",
             .example = "5",
             .required = true},
            o.k_train, {.least = 1, .most = 10'000});
  });
  k.when(o.kind == objective::process, R"(objective = "process")", [&] {
    k.word({.name = "targets", .help = "what each step is to come to"}, o.targets, targets);
    k.value({.name = "eta", .help = "η of `targets`"}, o.eta, {.above = 0});
  });
}

}  // namespace cotscale
