#include "cotscale/store/description.hpp"

#include <gtest/gtest.h>

#include <string>

#include "cotscale/base/error.hpp"

namespace cotscale {
namespace {

file_description sample() {
  file_description out;
  out.add_texts("model", {"größer", "two words\nand lines", ""});
  out.add_text("config_toml", "[sweep]\n\ntext dataset 3\n");
  out.add_dataset({.name = "weights/v",
                   .type = type_name<float>(),
                   .role = dataset_role::payload,
                   .dimensions = {{"model", 3}, {"row", 5}},
                   .offset = 4711});
  out.add_dataset({.name = "n", .type = type_name<std::int64_t>(), .dimensions = {{"n", 2}}, .offset = 96});
  return out;
}

TEST(description, is_read_back_from_its_text) {
  const file_description read = file_description::from_text(sample().to_text());
  EXPECT_EQ(read.to_text(), sample().to_text());
  EXPECT_EQ(read.texts("model"), (std::vector<std::string>{"größer", "two words\nand lines", ""}));
  EXPECT_EQ(read.text("config_toml"), "[sweep]\n\ntext dataset 3\n");
  EXPECT_TRUE(read.texts("task").empty());
  ASSERT_NE(read.find("weights/v"), nullptr);
  EXPECT_EQ(read.find("v"), nullptr);
  EXPECT_EQ(read.find("weights/v")->offset, 4711U);
  EXPECT_EQ(read.find("weights/v")->bytes(), 3U * 5 * 4);
  EXPECT_TRUE(read.find("weights/v")->changes());
  EXPECT_FALSE(read.find("n")->changes());
}

TEST(description, has_a_length_that_does_not_depend_on_offsets) {
  file_description moved = sample();
  for (stored_dataset& d : moved.datasets()) d.offset = UINT64_MAX;
  EXPECT_EQ(moved.to_text().size(), sample().to_text().size());
}

// Its datasets may be described in words that only a newer program knows.
TEST(description, leading_texts_are_read_whatever_follows_them) {
  const std::string newer =
      "cotscale description 1\ntext attribute.schema_version 1\n4\ntext odd 3\na\nb\ndataset x float16 checkpoint 7 "
      "n=2\ntext late 1\nx\n";
  EXPECT_THROW(file_description::from_text(newer), io_error);
  EXPECT_EQ(file_description::leading_text(newer, "attribute.schema_version"), "4");
  EXPECT_EQ(file_description::leading_text(newer, "odd"), "a\nb");
  EXPECT_FALSE(file_description::leading_text(newer, "late").has_value());
  EXPECT_FALSE(file_description::leading_text("", "odd").has_value());
  EXPECT_FALSE(file_description::leading_text("x\ntext odd 9\nab\n", "odd").has_value());
}

TEST(description, what_is_no_description_is_refused) {
  const std::string text = sample().to_text();
  for (std::size_t length = 0; length < text.size(); ++length) {
    // Cut between two entries it is a shorter description.
    try {
      file_description::from_text(text.substr(0, length));
      EXPECT_EQ(text[length - 1], '\n');
    } catch (const io_error&) {
      continue;
    }
  }
  const std::string begin = "cotscale description 1\n";
  for (const std::string line :
       {"text model 3\nab\n", "text model 99\nab\n", "text model x\nab\n", "dataset n int64 fixed\n",
        "dataset n int64 fixed 1 n\n", "dataset n int64 cells 1 n=2\n", "dataset n int64 fixed 1 n=\n", "words\n"}) {
    EXPECT_THROW(file_description::from_text(begin + line), io_error) << line;
  }
  EXPECT_THROW(file_description::from_text("cotscale description 2\n"), io_error);
  EXPECT_THROW(sample().text("task"), io_error);
  file_description odd;
  odd.add_dataset({.name = "x", .type = "float16"});
  EXPECT_THROW(odd.datasets()[0].bytes(), io_error);
}

}  // namespace
}  // namespace cotscale
