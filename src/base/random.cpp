#include "cotscale/base/random.hpp"

#include <Random123/threefry.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

#include "box_muller.hpp"

namespace cotscale {
namespace {

// One block: counters (first .. first + lanes - 1, substream), four 64-bit words each. Word c of all counters stands
// together, so that the two words of a Box-Muller pair come from the same counter.
void random_words(stream_key key, std::uint64_t substream, std::uint64_t first,
                  std::span<std::uint64_t, normal_block> out) {
  using generator = r123::Threefry4x64;
  constexpr std::size_t lanes = normal_block / 4;
  const generator::key_type k = {{key.low, key.high, 0, 0}};
  for (std::size_t i = 0; i < lanes; ++i) {
    const generator::ctr_type words = generator{}({{first + i, substream, 0, 0}}, k);
    for (std::size_t c = 0; c < 4; ++c) out[c * lanes + i] = words[c];
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
  alignas(64) std::array<std::uint64_t, normal_block> words;
  alignas(64) std::array<double, normal_block> normals;
  for (std::size_t done = 0; done < out.size(); done += normal_block) {
    random_words(key, substream, done / 4, words);
    detail::box_muller(words, normals);
    const std::size_t count = std::min<std::size_t>(normal_block, out.size() - done);
    std::copy_n(normals.begin(), count, out.begin() + static_cast<std::ptrdiff_t>(done));
  }
}

}  // namespace cotscale
