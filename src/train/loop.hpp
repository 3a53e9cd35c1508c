// What all training from sampled prompts shares.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "cotscale/base/random.hpp"
#include "cotscale/train/objective_part.hpp"

namespace cotscale::detail {

inline stream_key derived_key(const char* purpose, stream_key key) {
  return key_builder(purpose).add(key.low).add(key.high).key();
}

/// Steps of the chain in batch t of the training that `key` is of.
class chain_lengths {
 public:
  chain_lengths(const objective_options& options, stream_key key)
      : options_(options), key_(derived_key("roll-out lengths", key)) {}

  int at(std::int64_t t) const {
    if (!part_of(options_.kind).draws_length) return longest_chain(options_);
    double u = 0;
    fill_uniform(key_, static_cast<std::uint64_t>(t), std::span(&u, 1));
    return std::min(options_.k_train, 1 + static_cast<int>(u * options_.k_train));
  }

 private:
  const objective_options& options_;
  stream_key key_;
};

}  // namespace cotscale::detail
