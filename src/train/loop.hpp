// What all training from sampled prompts shares.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "cotscale/base/random.hpp"
#include "cotscale/train/curriculum.hpp"
#include "cotscale/train/objective.hpp"

namespace cotscale::detail {

inline stream_key derived_key(const char* purpose, stream_key key) {
  return key_builder(purpose).add(key.low).add(key.high).key();
}

/// Steps of the chain in batch t of the training that `key` is of.
class chain_lengths {
 public:
  chain_lengths(const training_objective& objective, const curriculum_ramp& curriculum, stream_key key)
      : drawn_(objective.form().draws_length),
        full_(objective.longest_chain()),
        curriculum_(curriculum),
        key_(derived_key("roll-out lengths", key)) {}

  // A batch has the same random number whatever the longest chain is.
  int at(std::int64_t t) const {
    const int longest = curriculum_.at(t, full_);
    if (!drawn_) return longest;
    double u = 0;
    fill_uniform(key_, static_cast<std::uint64_t>(t), std::span(&u, 1));
    return std::min(longest, 1 + static_cast<int>(u * longest));
  }

 private:
  bool drawn_;
  int full_;
  curriculum_ramp curriculum_;
  stream_key key_;
};

}  // namespace cotscale::detail
