#include "cotscale/train/learning_keys.hpp"

#include "cotscale/train/keys.hpp"

namespace cotscale {

void learning_keys(config::keys& k, learning_options& o) {
  objective_keys(k, o.objective);
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
