#include "cotscale/base/random.hpp"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <numeric>

#include "box_muller.hpp"
#include "chi.hpp"
#include "threefry.hpp"

namespace cotscale {
namespace {

// What the words of a substream are for; chi numbers take two kinds a round of rejection.
enum stage : std::uint64_t { normal_stage = 0, uniform_stage = 1, first_chi_stage = 2 };

// Calls transform(words, numbers) for every block, and copies the numbers to `out`.
template<class Transform>
void fill_blocks(stream_key key, std::uint64_t substream, std::uint64_t stage, std::span<double> out,
                 Transform transform) {
  alignas(64) std::array<std::uint64_t, normal_block> words;
  const std::size_t rest = out.size() % normal_block, whole = out.size() - rest;
  for (std::size_t done = 0; done < whole; done += normal_block) {
    detail::threefry_words(key, substream, stage, done / 4, words);
    transform(words, out.subspan(done).first<normal_block>());
  }
  if (rest == 0) return;
  alignas(64) std::array<double, normal_block> numbers;
  detail::threefry_words(key, substream, stage, whole / 4, words);
  transform(words, std::span<double, normal_block>(numbers));
  std::copy_n(numbers.begin(), rest, out.begin() + static_cast<std::ptrdiff_t>(whole));
}

void fill_normal_stage(stream_key key, std::uint64_t substream, std::uint64_t stage, std::span<double> out) {
  fill_blocks(key, substream, stage, out, [](const auto& words, auto normals) { detail::box_muller(words, normals); });
}

void fill_uniform_stage(stream_key key, std::uint64_t substream, std::uint64_t stage, std::span<double> out) {
  fill_blocks(key, substream, stage, out, [](const auto& words, auto uniforms) {
    // The upper 52 bits, in the middle of their interval: neither 0 nor 1.
    for (std::size_t i = 0; i < words.size(); ++i) {
      uniforms[i] = std::bit_cast<double>((words[i] >> 12) | 0x3ff0000000000000) - (1 - 0x1p-53);  // both exact
    }
  });
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
  fill_normal_stage(key, substream, normal_stage, out);
}

void fill_uniform(stream_key key, std::uint64_t substream, std::span<double> out) {
  fill_uniform_stage(key, substream, uniform_stage, out);
}

void fill_chi(stream_key key, std::uint64_t substream, std::span<const double> degrees, std::span<double> out) {
  constexpr std::size_t block = detail::chi_block;
  std::vector<std::size_t> pending(out.size());
  std::iota(pending.begin(), pending.end(), std::size_t{0});
  std::vector<double> normals, uniforms;
  alignas(64) std::array<double, block> nu, x, u, chi;
  alignas(64) std::array<std::int64_t, block> accepted;
  for (std::uint64_t stage = first_chi_stage; !pending.empty(); stage += 2) {
    normals.resize(pending.size());
    uniforms.resize(pending.size());
    fill_normal_stage(key, substream, stage, normals);
    fill_uniform_stage(key, substream, stage + 1, uniforms);
    std::size_t rejected = 0;
    for (std::size_t first = 0; first < pending.size(); first += block) {
      const std::size_t count = std::min(block, pending.size() - first);
      for (std::size_t i = 0; i < block; ++i) {
        const std::size_t number = std::min(first + i, pending.size() - 1);
        nu[i] = std::max(degrees[pending[number]], 2.0);
        x[i] = normals[number];
        u[i] = uniforms[number];
      }
      detail::chi_candidates(nu, x, u, chi, accepted);
      for (std::size_t i = 0; i < count; ++i) {
        const std::size_t number = pending[first + i];
        const bool folded = degrees[number] == 1;  // |x| itself
        if (folded || accepted[i] != 0) {
          out[number] = folded ? std::abs(x[i]) : chi[i];
        } else {
          pending[rejected++] = number;
        }
      }
    }
    pending.resize(rejected);
  }
}

}  // namespace cotscale
