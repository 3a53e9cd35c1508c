// Counter-based random streams, keyed by identity. A stream is a pure function of (key, substream, position): what it
// yields does not depend on ranks, threads or call order. Generator: Threefry4x64-20 (Salmon et al., SC 2011).
#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace cotscale {

/// 128-bit key of a family of streams.
struct stream_key {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  friend bool operator==(const stream_key&, const stream_key&) = default;
};

/// Builds a stream_key from the values that identify what the numbers are for: `key_builder("test
/// prompts").add(seed).add(m).key()`. Each value is hashed (XXH3-128) with its type and length, so that ("a", "bc") and
/// ("ab", "c") differ.
class key_builder {
 public:
  explicit key_builder(std::string_view purpose) { add(purpose); }
  key_builder& add(std::string_view text);
  key_builder& add(double value);
  key_builder& add(std::integral auto value) { return add_integer(static_cast<std::int64_t>(value)); }
  stream_key key() const;

 private:
  key_builder& add_integer(std::int64_t value);
  void append(char type, const void* data, std::size_t size);
  std::vector<unsigned char> bytes_;
};

/// Standard normal numbers of the stream (key, substream), from its beginning. Box-Muller on 52-bit uniforms, in blocks
/// of `random_block` numbers; the first n numbers do not depend on how many are asked for.
void fill_normal(stream_key key, std::uint64_t substream, std::span<double> out);

inline constexpr int random_block = 64;

/// Uniform numbers in (0, 1), neither end included, of the stream (key, substream), from its beginning.
void fill_uniform(stream_key key, std::uint64_t substream, std::span<double> out);

/// out[i] = √(χ²) with degrees[i] degrees of freedom, a whole number ≥ 1; of the stream (key, substream). By rejection
/// (Marsaglia and Tsang 2000): the numbers depend on all of `degrees`.
void fill_chi(stream_key key, std::uint64_t substream, std::span<const double> degrees, std::span<double> out);

/// Name and version of the generator as recorded in results files; changes whenever the numbers change.
inline constexpr std::string_view rng_name = "threefry4x64-20/box-muller-2/wishart-1/keys-2";

}  // namespace cotscale
