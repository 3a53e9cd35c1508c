#include "threefry.hpp"

#include <bit>
#include <utility>

namespace cotscale::detail {
namespace {

// Word c of counters i, 16 + i, … of so many blocks: as many chains of operations that do not wait for each other, in
// each of which the compiler puts neighbouring counters into one vector. (Measured: four are 1.6 times as fast as one.)
template<int Chains>
struct word {
  std::uint64_t of[Chains];
};

template<int Chains>
[[gnu::always_inline]] inline void add(word<Chains>& x, std::uint64_t number) {
  for (std::uint64_t& value : x.of) value += number;
}

template<int Chains>
[[gnu::always_inline]] inline void mix(word<Chains>& a, word<Chains>& b, int rotation) {
  for (int chain = 0; chain < Chains; ++chain) a.of[chain] += b.of[chain];
  for (std::uint64_t& value : b.of) value = std::rotl(value, rotation);
  for (int chain = 0; chain < Chains; ++chain) b.of[chain] ^= a.of[chain];
}

constexpr int rotations[8][2] = {{14, 16}, {52, 57}, {23, 40}, {5, 37}, {25, 33}, {46, 12}, {58, 22}, {32, 32}};

struct schedule {
  std::uint64_t of[5];
};

// Every fourth round is followed by a part of the key. Rounds are written out, not looped over: of a loop in the loop
// over counters the compiler makes no good vectors.
template<unsigned Number, int Chains>
[[gnu::always_inline]] inline void do_round(word<Chains> (&x)[4], const schedule& key) {
  mix(x[0], x[Number % 2 == 0 ? 1 : 3], rotations[Number % 8][0]);
  mix(x[2], x[Number % 2 == 0 ? 3 : 1], rotations[Number % 8][1]);
  if constexpr (Number % 4 == 3) {
    constexpr unsigned part = Number / 4 + 1;
    add(x[0], key.of[part % 5]);
    add(x[1], key.of[(part + 1) % 5]);
    add(x[2], key.of[(part + 2) % 5]);
    add(x[3], key.of[(part + 3) % 5] + part);
  }
}

template<int Chains, unsigned... Numbers>
[[gnu::always_inline]] inline void do_rounds(word<Chains> (&x)[4], const schedule& key,
                                             std::integer_sequence<unsigned, Numbers...> /*numbers*/) {
  (do_round<Numbers>(x, key), ...);
}

template<int Chains>
void words_of_blocks(stream_key key, std::uint64_t substream, std::uint64_t stage, std::uint64_t first,
                     std::uint64_t* __restrict out) {
  const schedule parts{{key.low, key.high, 0, 0, 0x1BD11BDAA9FC1A22 ^ key.low ^ key.high}};
#pragma GCC unroll 1  // lest it fill the cache of instructions
  for (int i = 0; i < block_counters; ++i) {
    word<Chains> x[4];
    for (int chain = 0; chain < Chains; ++chain) {
      x[0].of[chain] = first + static_cast<std::uint64_t>(i + chain * block_counters) + parts.of[0];
      x[1].of[chain] = substream + parts.of[1];
      x[2].of[chain] = stage;
      x[3].of[chain] = 0;
    }
    do_rounds(x, parts, std::make_integer_sequence<unsigned, 20>());
    for (int c = 0; c < 4; ++c) {
      for (int chain = 0; chain < Chains; ++chain) {
        out[chain * random_block + c * block_counters + i] = x[c].of[chain];
      }
    }
  }
}

}  // namespace

void threefry_blocks(stream_key key, std::uint64_t substream, std::uint64_t stage, std::uint64_t first, int blocks,
                     std::uint64_t* words) {
  const std::uint64_t counter = first * block_counters;
  switch (blocks) {
    case 1:
      return words_of_blocks<1>(key, substream, stage, counter, words);
    case 2:
      return words_of_blocks<2>(key, substream, stage, counter, words);
    case 3:
      return words_of_blocks<3>(key, substream, stage, counter, words);
    default:
      return words_of_blocks<most_blocks>(key, substream, stage, counter, words);
  }
}

}  // namespace cotscale::detail
