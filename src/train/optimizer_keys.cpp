#include "cotscale/train/keys.hpp"
#include "cotscale/train/optimizer_part.hpp"

namespace cotscale {

void optimizer_keys(config::keys& k, optimizer_options& o) {
  k.part_word({.name = "optimizer", .help = "as PyTorch defines them"}, o.rule, all_update_rules());
  k.value({.name = "learning_rate",
           .help = "the largest of the schedule. `process` and `outcome` want less, 0.002",
           .otherwise = "0.01; transformers: 5e-4"},
          o.learning_rate, {.above = 0});
  k.part_keys("optimizer", o.rule, all_update_rules());
  k.part({.name = "schedule", .help = "of the learning rate"}, o.schedule, all_schedules());
  k.value({.name = "warm_up", .help = "steps over which the rate grows linearly; below `steps`"}, o.warm_up,
          {.least = 0, .most = most_training_steps});
  k.value({.name = "clip_norm", .help = "longest gradient; 0: any"}, o.clip_norm, {.least = 0});
}

}  // namespace cotscale
