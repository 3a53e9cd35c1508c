#include "cotscale/base/random.hpp"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <utility>

#include "box_muller.hpp"
#include "chi.hpp"
#include "threefry.hpp"

namespace cotscale {
namespace {

// What the words of a substream are for; chi numbers take two kinds a round of rejection.
enum stage : std::uint64_t { normal_stage = 0, uniform_stage = 1, first_chi_stage = 2 };

// transform(blocks, words, numbers) of blocks first, first + 1, …, as many as it takes, cut to the length of `out`.
template<class Transform>
void fill_blocks(stream_key key, std::uint64_t substream, std::uint64_t stage, std::uint64_t first,
                 std::span<double> out, Transform transform) {
  constexpr std::size_t most = detail::most_blocks * random_block;
  alignas(64) std::array<std::uint64_t, most> words;
  alignas(64) std::array<double, most> numbers;
  for (std::size_t done = 0; done < out.size(); done += most) {
    const std::size_t count = std::min(most, out.size() - done);
    const auto blocks = static_cast<int>((count + random_block - 1) / random_block);
    detail::threefry_blocks(key, substream, stage, first + done / random_block, blocks, words.data());
    if (count % random_block == 0) {
      transform(blocks, words.data(), out.data() + done);
    } else {
      transform(blocks, words.data(), numbers.data());
      std::copy_n(numbers.begin(), count, out.begin() + static_cast<std::ptrdiff_t>(done));
    }
  }
}

void fill_normal_stage(stream_key key, std::uint64_t substream, std::uint64_t stage, std::uint64_t first,
                       std::span<double> out) {
  fill_blocks(key, substream, stage, first, out, detail::box_muller);
}

void fill_uniform_stage(stream_key key, std::uint64_t substream, std::uint64_t stage, std::uint64_t first,
                        std::span<double> out) {
  fill_blocks(key, substream, stage, first, out, [](int blocks, const std::uint64_t* words, double* uniforms) {
    // The upper 52 bits, in the middle of their interval: neither 0 nor 1.
    for (int i = 0; i < blocks * random_block; ++i) {
      uniforms[i] = std::bit_cast<double>((words[i] >> 12) | 0x3ff0000000000000) - (1 - 0x1p-53);  // both exact
    }
  });
}

struct chi_stream {
  stream_key key;
  std::uint64_t substream, stage;
};

// A round of rejection for the numbers place(0), place(1), …: fills them in, and appends those that are rejected.
template<class Place>
void chi_round(const chi_stream& stream, std::span<const double> degrees, std::size_t count, Place place,
               std::span<double> out, std::vector<std::size_t>& rejected) {
  constexpr std::size_t block = detail::chi_block;
  alignas(64) std::array<double, block> nu, x, u, chi;
  alignas(64) std::array<std::int64_t, block> accepted;
  for (std::size_t first = 0; first < count; first += block) {
    const std::size_t here = std::min(block, count - first);
    const std::size_t padded = (here + detail::chi_lanes - 1) / detail::chi_lanes * detail::chi_lanes;
    fill_normal_stage(stream.key, stream.substream, stream.stage, first / random_block, std::span(x).first(padded));
    fill_uniform_stage(stream.key, stream.substream, stream.stage + 1, first / random_block,
                       std::span(u).first(padded));
    for (std::size_t i = 0; i < here; ++i) nu[i] = std::max(degrees[place(first + i)], 2.0);
    std::fill(nu.begin() + static_cast<std::ptrdiff_t>(here), nu.begin() + static_cast<std::ptrdiff_t>(padded), 2.0);
    detail::chi_candidates(static_cast<int>(padded), nu.data(), x.data(), u.data(), chi.data(), accepted.data());
    for (std::size_t i = 0; i < here; ++i) {
      const std::size_t number = place(first + i);
      const bool folded = degrees[number] == 1;  // |x| itself
      out[number] = folded ? std::abs(x[i]) : chi[i];
      if (!folded && accepted[i] == 0) rejected.push_back(number);
    }
  }
}

}  // namespace

key_builder& key_builder::add(std::string_view text) {
  append('s', text.data(), text.size());
  return *this;
}

key_builder& key_builder::add(double value) {
  const double canonical = value == 0 ? 0.0 : value;  // -0 and 0 are one value
  append('d', &canonical, sizeof canonical);
  return *this;
}

key_builder& key_builder::add_integer(std::int64_t value) {
  append('i', &value, sizeof value);
  return *this;
}

void key_builder::append(char type, const void* data, std::size_t size) {
  const std::uint64_t length = size;
  const std::size_t old = bytes_.size();
  bytes_.resize(old + 1 + sizeof length + size);
  bytes_[old] = static_cast<unsigned char>(type);
  std::memcpy(&bytes_[old + 1], &length, sizeof length);
  if (size > 0) std::memcpy(&bytes_[old + 1 + sizeof length], data, size);
}

stream_key key_builder::key() const {
  const XXH128_hash_t hash = XXH3_128bits(bytes_.data(), bytes_.size());
  return {hash.low64, hash.high64};
}

void fill_normal(stream_key key, std::uint64_t substream, std::span<double> out) {
  fill_normal_stage(key, substream, normal_stage, 0, out);
}

void fill_uniform(stream_key key, std::uint64_t substream, std::span<double> out) {
  fill_uniform_stage(key, substream, uniform_stage, 0, out);
}

void fill_chi(stream_key key, std::uint64_t substream, std::span<const double> degrees, std::span<double> out) {
  std::vector<std::size_t> pending, rejected;
  chi_round(
      {key, substream, first_chi_stage}, degrees, out.size(), [](std::size_t i) { return i; }, out, rejected);
  for (std::uint64_t stage = first_chi_stage + 2; !rejected.empty(); stage += 2) {
    std::swap(pending, rejected);
    rejected.clear();
    chi_round(
        {key, substream, stage}, degrees, pending.size(), [&](std::size_t i) { return pending[i]; }, out, rejected);
  }
}

}  // namespace cotscale
