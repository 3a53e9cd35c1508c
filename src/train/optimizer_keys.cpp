#include <array>

#include "cotscale/train/keys.hpp"

namespace cotscale {
namespace {

constexpr std::array<config::word<update_rule>, 4> rules{{{update_rule::gd, "gd", ""},
                                                          {update_rule::sgd, "sgd", ""},
                                                          {update_rule::adam, "adam", ""},
                                                          {update_rule::adamw, "adamw", ""}}};

constexpr std::array<config::word<rate_schedule>, 2> schedules{
    {{rate_schedule::constant, "constant", "the same at every step"},
     {rate_schedule::cosine, "cosine", "falls to zero at the last step"}}};

}  // namespace

void optimizer_keys(config::keys& k, optimizer_options& o) {
  k.word({.name = "optimizer", .help = "as PyTorch defines them"}, o.rule, rules);
  const bool adam = o.rule == update_rule::adam || o.rule == update_rule::adamw;
  k.value({.name = "learning_rate",
           .help = "the largest of the schedule. `process` and `outcome` want less, 0.002",
           .otherwise = "0.01; transformers: 5e-4"},
          o.learning_rate, {.above = 0});
  k.when(o.rule == update_rule::sgd, R"(optimizer = "sgd")", [&] {
    k.value({.name = "momentum", .help = "share of the last update that is kept"}, o.momentum,
            {.least = 0, .below = 1});
  });
  k.when(adam, R"(optimizer = "adam" or "adamw")", [&] {
    k.value({.name = "beta1", .help = "memory of the mean of gradients"}, o.beta1, {.least = 0, .below = 1});
    k.value({.name = "beta2", .help = "memory of the mean of their squares"}, o.beta2, {.least = 0, .below = 1});
    k.value({.name = "epsilon", .help = "what is added to the root of that mean"}, o.epsilon, {.above = 0});
  });
  k.when(o.rule == update_rule::adamw, R"(optimizer = "adamw")", [&] {
    k.value({.name = "weight_decay", .help = "of every parameter, times the rate"}, o.weight_decay, {.least = 0});
  });
  k.word({.name = "schedule", .help = "of the learning rate"}, o.schedule, schedules);
  k.value({.name = "warm_up", .help = "steps over which the rate grows linearly; below `steps`"}, o.warm_up,
          {.least = 0, .most = most_training_steps});
  k.value({.name = "clip_norm", .help = "longest gradient; 0: any"}, o.clip_norm, {.least = 0});
}

}  // namespace cotscale
