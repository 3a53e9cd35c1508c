#include "cotscale/train/keys.hpp"

namespace cotscale {

void objective_word(config::keys& k, std::shared_ptr<const training_objective>& o) {
  k.part_word(
      {.name = "objective", .help = "what is learned from samples (below); the population loss is that of `direct`"}, o,
      all_objectives());
}

void objective_keys(config::keys& k, std::shared_ptr<const training_objective>& o) {
  k.part_keys("objective", o, all_objectives());
}

}  // namespace cotscale
