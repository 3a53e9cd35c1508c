#include "cotscale/store/failures.hpp"

#include <gtest/gtest.h>

namespace cotscale {
namespace {

std::string stored(const std::string& message) {
  const std::vector<std::uint8_t> text = failure_text(message);
  EXPECT_EQ(text.size(), failure_bytes);
  std::string out(text.begin(), text.end());
  return out.substr(0, out.find('\0'));
}

TEST(failures, a_message_is_cut_between_two_characters) {
  EXPECT_EQ(stored(""), "");
  EXPECT_EQ(stored("no luck"), "no luck");
  EXPECT_EQ(stored(std::string(512, 'a')), std::string(512, 'a'));
  EXPECT_EQ(stored(std::string(511, 'a') + "ö"), std::string(511, 'a'));
  EXPECT_EQ(stored(std::string(510, 'a') + "ö"), std::string(510, 'a') + "ö");
  EXPECT_EQ(stored(std::string(510, 'a') + "ö…"), std::string(510, 'a') + "ö");
}

TEST(failures, the_checksum_is_of_the_cell_and_of_what_is_stored) {
  const std::uint64_t sum = failure_checksum({.cell = 3, .message = "a"});
  EXPECT_NE(sum, failure_checksum({.cell = 4, .message = "a"}));
  EXPECT_NE(sum, failure_checksum({.cell = 3, .message = "b"}));
  EXPECT_EQ(failure_checksum({.cell = 3, .message = std::string(512, 'a')}),
            failure_checksum({.cell = 3, .message = std::string(600, 'a')}));
}

}  // namespace
}  // namespace cotscale
