// What objectives with a chain have in common.
#pragma once

#include "cotscale/train/objective.hpp"

namespace cotscale::objectives {

class chain_objective : public training_objective {
 public:
  void keys(config::keys& k) override {
    k.value({.name = "k_train",
             .help = "steps of the training chain, or of the longest where its length is drawn",
             .example = "5",
             .required = true},
            k_train_, {.least = 1, .most = 10'000});
  }
  int longest_chain() const override { return k_train_; }

 private:
  int k_train_ = 1;
};

}  // namespace cotscale::objectives
