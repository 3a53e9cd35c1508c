// The step of Adam, which several optimisers take, and the keys that they have in common.
#pragma once

#include <cstddef>

#include "cotscale/train/optimizer_part.hpp"

namespace cotscale::optimizers {

struct adam_constants {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;

  void keys(config::keys& k);
};

void weight_decay_key(config::keys& k, double& weight_decay);

/// Adam on `count` parameters from number `first` on, p ← keep·p before.
template<class T>
void adam_step(const optimizer_step<T>& s, const adam_constants& constants, double rate, double keep, std::size_t first,
               std::size_t count);

}  // namespace cotscale::optimizers
