#include "cotscale/train/learning_keys.hpp"

#include "cotscale/train/optimizer_part.hpp"

namespace cotscale {
namespace {

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

}  // namespace

void objective_word(config::keys& k, std::shared_ptr<const training_objective>& o) {
  k.part_word(
      {.name = "objective", .help = "what is learned from samples (below); the population loss is that of `direct`"}, o,
      all_objectives());
}

void learning_keys(config::keys& k, learning_options& o) {
  k.part_keys("objective", o.objective, all_objectives());
  optimizer_keys(k, o.optimizer);
  k.value({.name = "steps", .help = "of training"}, o.steps, {.least = 1, .most = most_training_steps});
  k.value({.name = "batch", .help = "prompts a step", .otherwise = "256; transformers: 64"}, o.batch,
          {.least = 1, .most = 1'000'000});
  k.value({.name = "fresh_prompts",
           .help = "false: every step takes the prompts of the first, and `gd` is gradient descent on that sample"},
          o.fresh_prompts);
  k.after("steps", [&] {
    k.check([&] {
      if (o.optimizer.warm_up < o.steps) return;
      k.problem("warm_up", fmt::format("must be below steps = {}, got {}", o.steps, o.optimizer.warm_up));
    });
  });
}

}  // namespace cotscale
