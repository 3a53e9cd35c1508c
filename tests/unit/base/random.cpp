// Which numbers a key and a substream stand for, bit by bit.
#include "cotscale/base/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reference/normal_stream.hpp"
#include "unit/base/random_streams.hpp"

namespace cotscale {
namespace {

// ---- keys ----

TEST(key_builder, separates_the_lengths_of_texts) {
  EXPECT_NE(key_builder("a").add("bc").key(), key_builder("ab").add("c").key());
  EXPECT_NE(key_builder("ab").key(), key_builder("a").add("b").key());
  EXPECT_NE(key_builder("a").add("").key(), key_builder("a").key());
  EXPECT_NE(key_builder("a").add(std::string_view("\0", 1)).key(), key_builder("a").add("").key());
  const std::string looks_like_a_second_text = std::string("as") + std::string(8, '\0') + "b";
  EXPECT_NE(key_builder(looks_like_a_second_text).key(), key_builder("a").add("b").key());
}

TEST(key_builder, separates_types) {
  EXPECT_NE(key_builder("a").add(1).key(), key_builder("a").add(1.0).key());
  EXPECT_NE(key_builder("a").add(0).key(), key_builder("a").add(0.0).key());
  const std::string eight_bytes("\1\0\0\0\0\0\0\0", 8);
  EXPECT_NE(key_builder("a").add(1).key(), key_builder("a").add(eight_bytes).key());
}

TEST(key_builder, takes_equal_values_for_equal) {
  EXPECT_EQ(key_builder("a").add(-0.0).key(), key_builder("a").add(0.0).key());
  EXPECT_EQ(key_builder("a").add(std::int8_t{-5}).key(), key_builder("a").add(std::int64_t{-5}).key());
  EXPECT_EQ(key_builder("a").add(std::uint16_t{5}).key(), key_builder("a").add(5).key());
  EXPECT_EQ(key_builder("a").add("b").key(), key_builder("a").add(std::string("b")).key());
}

TEST(key_builder, depends_on_every_value_and_on_their_order) {
  EXPECT_NE(key_builder("a").add(1).add(2).key(), key_builder("a").add(2).add(1).key());
  EXPECT_NE(key_builder("a").add(1).key(), key_builder("b").add(1).key());
  EXPECT_NE(key_builder("a").add(1.0).key(), key_builder("a").add(std::nextafter(1.0, 2.0)).key());
  EXPECT_NE(key_builder("a").add(1.0).key(), key_builder("a").add(-1.0).key());
  EXPECT_NE(key_builder("a").add(std::int64_t{1}).key(), key_builder("a").add((std::int64_t{1} << 40) + 1).key());
}

// ---- normal numbers ----

// kat_vectors of Random123: threefry4x64 20.
TEST(normal_stream_reference, has_the_known_answers_of_threefry) {
  using reference::words4;
  EXPECT_EQ(reference::threefry4x64_20({0, 0, 0, 0}, {0, 0, 0, 0}),
            (words4{0x09218ebde6c85537, 0x55941f5266d86105, 0x4bd25e16282434dc, 0xee29ec846bd2e40b}));
  constexpr std::uint64_t ones = ~std::uint64_t{0};
  EXPECT_EQ(reference::threefry4x64_20({ones, ones, ones, ones}, {ones, ones, ones, ones}),
            (words4{0x29c24097942bba1b, 0x0371bbfb0f6f4e11, 0x3c231ffa33f83a1c, 0xcd29113fde32d168}));
  EXPECT_EQ(
      reference::threefry4x64_20({0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0, 0x082efa98ec4e6c89},
                                 {0x452821e638d01377, 0xbe5466cf34e90c6c, 0xbe5466cf34e90c6c, 0xc0ac29b7c97c50dd}),
      (words4{0xa7e8fde591651bd9, 0xbaafd0c30138319b, 0x84a5c1a729e685b9, 0x901d406ccebc1ba4}));
}

// The reference takes the angle as a rounded number of radians.
TEST(fill_normal, is_box_muller_on_threefry) {
  constexpr double tolerance = 10 * 2 * std::numeric_limits<double>::epsilon();
  for (const stream_key key : {stream_key{0, 0}, stream_key{1, 0}, stream_key{0, 1}, some_key}) {
    for (const std::uint64_t substream : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}}) {
      const std::vector<double> numbers = normals(key, substream, 13 * random_block + 17);
      for (std::size_t i = 0; i < numbers.size(); ++i) {
        EXPECT_NEAR(numbers[i], reference::normal_number(key.low, key.high, substream, i), tolerance) << "number " << i;
      }
    }
  }
}

// Numbers that change make stored results unrepeatable: rng_name must change with them. Exactly, since every operation
// is a correctly rounded one, whatever the CPU and the compiler.
TEST(fill_normal, yields_the_numbers_that_its_name_stands_for) {
  ASSERT_EQ(rng_name, "threefry4x64-20/box-muller-2/wishart-1/keys-2");
  const std::vector<double> numbers = normals(key_builder("golden").add(1).add(0.5).key(), 2, 1000);
  EXPECT_EQ(numbers[0], -0x1.8af9728670cfcp-3);
  EXPECT_EQ(numbers[1], 0x1.83a6921af5511p-2);
  EXPECT_EQ(numbers[2], -0x1.866de7b25b982p-2);
  EXPECT_EQ(numbers[63], -0x1.1c9df4d9f8583p-2);
  EXPECT_EQ(numbers[64], 0x1.09fc18f137861p-6) << "the second block";
  std::uint64_t sum = 0;
  for (const double z : numbers) sum = (sum ^ std::bit_cast<std::uint64_t>(z)) * 0x100000001b3;  // FNV
  EXPECT_EQ(sum, 0x7e2c03ebf6b5b5b3U);
}

TEST(fill_normal, begins_with_the_same_bits_however_many_are_asked_for) {
  const std::vector<double> all = normals(some_key, 3, 1000);
  for (const std::size_t count :
       {0U, 1U, 2U, 31U, 64U, 65U, 128U, 192U, 255U, 256U, 257U, 320U, 511U, 512U, 513U, 997U}) {
    const std::vector<double> some = normals(some_key, 3, count);
    EXPECT_TRUE(std::equal(some.begin(), some.end(), all.begin())) << count << " numbers";
  }
}

TEST(fill_normal, does_not_depend_on_where_it_writes) {
  const std::vector<double> expected = normals(some_key, 3, 300);
  std::vector<double> buffer(310, -99);
  for (std::size_t shift = 1; shift < 9; ++shift) {
    fill_normal(some_key, 3, std::span(buffer).subspan(shift, 300));
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(), buffer.begin() + static_cast<std::ptrdiff_t>(shift)));
    EXPECT_EQ(buffer[shift + 300], -99) << "wrote beyond the end";
  }
}

TEST(fill_normal, leaves_subnormal_numbers_alone) {
  normals(some_key, 0, 1);
  volatile double smallest_normal = std::numeric_limits<double>::min();
  EXPECT_GT(smallest_normal / 2, 0) << "subnormal numbers are flushed";
}

// ---- uniform numbers ----

// Number `position`: word position % 64 / 16 of counter (position / 64 · 16 + position % 16, substream, 1, 0).
TEST(fill_uniform, is_made_of_the_words_of_threefry) {
  for (const std::uint64_t substream : {std::uint64_t{0}, ~std::uint64_t{0}}) {
    const std::vector<double> numbers = uniforms(some_key, substream, 6 * random_block + 17);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const reference::words4 words =
          reference::threefry4x64_20({i / 64 * 16 + i % 16, substream, 1, 0}, {some_key.low, some_key.high, 0, 0});
      const double expected = (static_cast<double>(words[i % 64 / 16] >> 12) + 0.5) / 0x1p52;
      EXPECT_EQ(numbers[i], expected) << "number " << i;
    }
  }
}

TEST(fill_uniform, begins_with_the_same_bits_however_many_are_asked_for) {
  const std::vector<double> all = uniforms(some_key, 3, 600);
  for (const std::size_t count : {0U, 1U, 8U, 64U, 65U, 255U, 256U, 257U}) {
    const std::vector<double> some = uniforms(some_key, 3, count);
    EXPECT_TRUE(std::equal(some.begin(), some.end(), all.begin())) << count << " numbers";
  }
  EXPECT_NE(uniforms(some_key, 2, 8), uniforms(some_key, 3, 8));
}

// ---- chi numbers ----

TEST(fill_chi, yields_the_same_numbers_whatever_came_before_and_wherever_they_go) {
  for (const std::size_t count : {1U, 8U, 63U, 64U, 65U, 200U}) {
    std::vector<double> degrees(count);
    for (std::size_t i = 0; i < count; ++i) degrees[i] = static_cast<double>(1 + i % 7);
    const std::vector<double> expected = chis(some_key, 3, degrees);
    chis({1, 2}, 9, std::vector<double>(77, 2));
    std::vector<double> buffer(count + 4, -99);
    fill_chi(some_key, 3, degrees, std::span(buffer).subspan(3, count));
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(), buffer.begin() + 3)) << count;
    EXPECT_EQ(buffer[2], -99);
    EXPECT_EQ(buffer.back(), -99) << "wrote beyond the end";
    EXPECT_TRUE(std::all_of(expected.begin(), expected.end(), [](double x) { return x > 0 && std::isfinite(x); }));
  }
  EXPECT_TRUE(chis(some_key, 3, {}).empty());
}

// As for normal numbers: rng_name must change with these.
TEST(fill_chi, yields_the_numbers_that_its_name_stands_for) {
  ASSERT_EQ(rng_name, "threefry4x64-20/box-muller-2/wishart-1/keys-2");
  const std::vector<double> numbers = chis(key_builder("golden").add(1).add(0.5).key(), 2, {1, 2, 3, 10, 1000});
  EXPECT_NEAR(numbers[0], 1.49194726573407, 1e-12);
  EXPECT_NEAR(numbers[1], 1.00786934703704, 1e-12);
  EXPECT_NEAR(numbers[2], 2.34008285177436, 1e-12);
  EXPECT_NEAR(numbers[3], 2.609878504231, 1e-12);
  EXPECT_NEAR(numbers[4], 32.0438665347937, 1e-11);
}

}  // namespace
}  // namespace cotscale
