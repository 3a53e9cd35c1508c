#include "threefry.hpp"

#include <bit>
#include <utility>

namespace cotscale::detail {
namespace {

// Word c of four counters that stand a quarter of the block apart: four chains of operations that do not wait for each
// other, in each of which the compiler puts neighbouring counters into one vector. (Measured: 1.6 times as fast as
// one.)
constexpr int chains = 4;
constexpr int distance = threefry_counters / chains;

struct word {
  std::uint64_t of[chains];
};

[[gnu::always_inline]] inline void add(word& x, std::uint64_t number) {
  for (std::uint64_t& value : x.of) value += number;
}

[[gnu::always_inline]] inline void mix(word& a, word& b, int rotation) {
  for (int chain = 0; chain < chains; ++chain) a.of[chain] += b.of[chain];
  for (std::uint64_t& value : b.of) value = std::rotl(value, rotation);
  for (int chain = 0; chain < chains; ++chain) b.of[chain] ^= a.of[chain];
}

constexpr int rotations[8][2] = {{14, 16}, {52, 57}, {23, 40}, {5, 37}, {25, 33}, {46, 12}, {58, 22}, {32, 32}};

struct schedule {
  std::uint64_t of[5];
};

// Every fourth round is followed by a part of the key. Rounds are written out, not looped over: of a loop in the loop
// over counters the compiler makes no good vectors.
template<unsigned Number>
[[gnu::always_inline]] inline void do_round(word (&x)[4], const schedule& key) {
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

template<unsigned... Numbers>
[[gnu::always_inline]] inline void do_rounds(word (&x)[4], const schedule& key,
                                             std::integer_sequence<unsigned, Numbers...> /*numbers*/) {
  (do_round<Numbers>(x, key), ...);
}

}  // namespace

void threefry_words(stream_key key, std::uint64_t substream, std::uint64_t stage, std::uint64_t first,
                    std::span<std::uint64_t, normal_block> words) {
  const schedule parts{{key.low, key.high, 0, 0, 0x1BD11BDAA9FC1A22 ^ key.low ^ key.high}};
  std::uint64_t* __restrict out = words.data();
#pragma GCC unroll 1  // lest it fill the cache of instructions
  for (int i = 0; i < distance; ++i) {
    word x[4];
    for (int chain = 0; chain < chains; ++chain) {
      x[0].of[chain] = first + static_cast<std::uint64_t>(i + chain * distance) + parts.of[0];
      x[1].of[chain] = substream + parts.of[1];
      x[2].of[chain] = stage;
      x[3].of[chain] = 0;
    }
    do_rounds(x, parts, std::make_integer_sequence<unsigned, 20>());
    for (int c = 0; c < 4; ++c) {
      for (int chain = 0; chain < chains; ++chain) {
        out[c * threefry_counters + chain * distance + i] = x[c].of[chain];
      }
    }
  }
}

}  // namespace cotscale::detail
