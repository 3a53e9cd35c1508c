// What all training from sampled prompts shares.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "cotscale/base/random.hpp"
#include "cotscale/train/objective.hpp"

namespace cotscale::detail {

inline stream_key derived_key(const char* purpose, stream_key key) {
  return key_builder(purpose).add(key.low).add(key.high).key();
}

/// Steps of the chain in batch t of the training that `key` is of.
class chain_lengths {
 public:
  chain_lengths(const training_objective& objective, stream_key key)
      : drawn_(objective.form().draws_length),
        longest_(objective.longest_chain()),
        key_(derived_key("roll-out lengths", key)) {}

  int at(std::int64_t t) const {
    if (!drawn_) return longest_;
    double u = 0;
    fill_uniform(key_, static_cast<std::uint64_t>(t), std::span(&u, 1));
    return std::min(longest_, 1 + static_cast<int>(u * longest_));
  }

 private:
  bool drawn_;
  int longest_;
  stream_key key_;
};

}  // namespace cotscale::detail
