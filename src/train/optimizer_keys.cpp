#include <span>
#include <vector>

#include "cotscale/train/keys.hpp"
#include "cotscale/train/optimizer_part.hpp"

namespace cotscale {
namespace {

// The words of parts, in the order of their list.
template<class Enum, class Part, class Value>
std::vector<config::word<Enum>> words_of(std::span<const Part* const> parts, Value value) {
  std::vector<config::word<Enum>> out;
  for (const Part* part : parts) out.push_back({(part->*value)(), part->word(), part->help()});
  return out;
}

// Keys of optimisers that are kin to Adam.
void adam_keys(config::keys& k, optimizer_options& o) {
  const bool muon = o.rule == update_rule::muon, decays = o.rule == update_rule::adamw || muon;
  k.when(o.rule == update_rule::adam || decays, R"(optimizer = "adam" or "adamw" or "muon")", [&] {
    k.value({.name = "beta1", .help = "memory of the mean of gradients"}, o.beta1, {.least = 0, .below = 1});
    k.value({.name = "beta2", .help = "memory of the mean of their squares"}, o.beta2, {.least = 0, .below = 1});
    k.value({.name = "epsilon", .help = "what is added to the root of that mean"}, o.epsilon, {.above = 0});
  });
  k.when(decays, R"(optimizer = "adamw" or "muon")", [&] {
    k.value({.name = "weight_decay", .help = "of every parameter, times the rate"}, o.weight_decay, {.least = 0});
  });
  k.when(muon, R"(optimizer = "muon")", [&] {
    k.value({.name = "muon_momentum", .help = "of matrices"}, o.muon_momentum, {.least = 0, .below = 1});
    k.value({.name = "nesterov", .help = "look ahead by the momentum"}, o.nesterov);
    k.value(
        {.name = "vector_rate", .help = "learning rate of what is no matrix, by AdamW, as a share of `learning_rate`"},
        o.vector_rate, {.above = 0});
  });
}

}  // namespace

void optimizer_keys(config::keys& k, optimizer_options& o) {
  static const auto rules = words_of<update_rule>(optimizer_parts(), &optimizer_part::rule);
  static const auto schedules = words_of<rate_schedule>(schedule_parts(), &schedule_part::schedule);
  k.word({.name = "optimizer", .help = "as PyTorch defines them"}, o.rule, rules);
  k.value({.name = "learning_rate",
           .help = "the largest of the schedule. `process` and `outcome` want less, 0.002",
           .otherwise = "0.01; transformers: 5e-4"},
          o.learning_rate, {.above = 0});
  k.when(o.rule == update_rule::sgd, R"(optimizer = "sgd")", [&] {
    k.value({.name = "momentum", .help = "share of the last update that is kept"}, o.momentum,
            {.least = 0, .below = 1});
  });
  adam_keys(k, o);
  k.word({.name = "schedule", .help = "of the learning rate"}, o.schedule, schedules);
  k.when(o.schedule == rate_schedule::linear, R"(schedule = "linear")", [&] {
    k.value({.name = "floor", .help = "the last rate, as a share of `learning_rate`"}, o.floor,
            {.least = 0, .most = 1});
  });
  k.value({.name = "warm_up", .help = "steps over which the rate grows linearly; below `steps`"}, o.warm_up,
          {.least = 0, .most = most_training_steps});
  k.value({.name = "clip_norm", .help = "longest gradient; 0: any"}, o.clip_norm, {.least = 0});
}

}  // namespace cotscale
