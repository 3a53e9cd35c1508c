#include "cotscale/base/hash.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>

#include "cotscale/base/error.hpp"
#include "cotscale/base/input_file.hpp"

namespace cotscale {
namespace {

std::uint64_t checksum_of(std::string_view text) {
  checksum sum;
  sum.add(std::as_bytes(std::span(text)));
  return sum.value();
}

std::string all_bytes() {
  std::string text;
  for (int i = 0; i < 256; ++i) text += static_cast<char>(i);
  return text;
}

TEST(sha256, of_a_file_is_that_of_its_contents) {
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("cotscale_sha256_" + std::to_string(getpid()));
  for (const std::size_t size : {0U, 1U, (1U << 20) - 1, 1U << 20, (3U << 20) + 5}) {
    std::string contents;
    while (contents.size() < size) contents += all_bytes();
    contents.resize(size);
    std::ofstream(path, std::ios::binary | std::ios::trunc) << contents;
    EXPECT_EQ(sha256_of_file(path.string()), sha256(contents)) << size << " bytes";
  }
  std::filesystem::remove(path);
  EXPECT_THROW(sha256_of_file(path.string()), io_error);
  EXPECT_THROW(sha256_of_file(std::filesystem::temp_directory_path().string()), io_error) << "a directory";
}

TEST(sha256, has_the_known_answers_of_fips_180) {
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256(std::string(1'000'000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(sha256, does_not_end_at_a_zero_byte) {
  EXPECT_EQ(sha256(std::string(1, '\0')), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
}

TEST(checksum, has_the_known_answers_of_xxh64) {
  EXPECT_EQ(checksum().value(), 0xef46db3751d8e999) << "of nothing";
  EXPECT_EQ(checksum_of("a"), 0xd24ec4f1a98c6e5b);
  EXPECT_EQ(checksum_of("abc"), 0x44bc2cf5ad770999);
  EXPECT_EQ(checksum_of("Nobody inspects the spammish repetition"), 0xfbcea83c8a378bf1);
  EXPECT_EQ(checksum_of(all_bytes()), 0x1facbe8406cd904b);
}

TEST(checksum, of_parts_is_that_of_the_whole) {
  const std::string text = all_bytes();
  const auto bytes = std::as_bytes(std::span(text));
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    checksum sum;
    sum.add(bytes.first(cut));
    sum.add(bytes.subspan(cut));
    EXPECT_EQ(sum.value(), checksum_of(text)) << "cut at " << cut;
  }
  checksum one_by_one;
  for (const std::byte& byte : bytes) one_by_one.add({&byte, 1});
  EXPECT_EQ(one_by_one.value(), checksum_of(text));
}

TEST(checksum, can_be_read_on_the_way) {
  checksum sum;
  sum.add(std::as_bytes(std::span(std::string_view("ab"))));
  EXPECT_EQ(sum.value(), checksum_of("ab"));
  sum.add(std::as_bytes(std::span(std::string_view("c"))));
  EXPECT_EQ(sum.value(), checksum_of("abc"));
}

TEST(checksum, notices_every_single_flipped_bit) {
  const std::string text = all_bytes();
  for (std::size_t bit = 0; bit < 8 * text.size(); ++bit) {
    std::string damaged = text;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_NE(checksum_of(damaged), checksum_of(text)) << "bit " << bit;
  }
}

}  // namespace
}  // namespace cotscale
