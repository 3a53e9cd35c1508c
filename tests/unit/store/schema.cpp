#include "cotscale/store/schema.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>
#include <string>

#include "cotscale/base/hash.hpp"
#include "cotscale/store/cell_values.hpp"

namespace cotscale {
namespace {

using enum value_type;

std::vector<dimension> dimensions() {
  return {{"model", std::vector<std::string>{"a", "b"}, "model", true},
          {"noise", std::vector<double>{0, 1, 2}, "noise", true},
          {"m", std::vector<std::int64_t>{7, 8}, "m"},
          {"k", std::vector<std::int64_t>{0, 1, 2}, "k"},
          {"task", std::vector<std::string>{}, "no candidates"}};
}

std::vector<variable> declared() {
  return {{"error", f64, {"m", "k"}, ""},    {"flag", i8, {"k"}, ""},       {"best", i64, {"m"}, ""},
          {"weight", f32, {"k"}, ""},        {"loss", f64, {"stage?"}, ""}, {"share", f64, {"task"}, ""},
          {"baseline", f64, {"unknown"}, ""}};
}

std::shared_ptr<const results_schema> schema() {
  return std::make_shared<const results_schema>(dimensions(), declared());
}

TEST(schema, a_variable_without_one_of_its_axes_is_left_out) {
  const auto s = schema();
  EXPECT_EQ(s->cell_count(), 2U * 3);
  EXPECT_EQ(s->slots().size(), 5U);
  EXPECT_EQ(s->find("share"), nullptr) << "its axis is empty";
  EXPECT_EQ(s->find("baseline"), nullptr) << "there is no such axis";
  EXPECT_EQ(s->find("error")->values, 6U);
  EXPECT_EQ(s->find("loss")->values, 1U) << "only the optional axis is left out";
  std::vector<dimension> more = dimensions();
  more.push_back({"stage", std::vector<std::string>{"first", "second"}, "stage"});
  EXPECT_EQ(results_schema(more, declared()).find("loss")->values, 2U);
  EXPECT_EQ(s->bytes_of_cell(), 57U + 6 * 8 + 3 + 2 * 8 + 3 * 4 + 8);
}

TEST(schema, dimensions_of_cells_come_first_and_names_are_unique) {
  std::vector<dimension> wrong = dimensions();
  std::swap(wrong[1], wrong[2]);
  EXPECT_THROW(results_schema(wrong, {}), precondition_error);
  EXPECT_THROW(results_schema(dimensions(), {{"x", f64, {}, ""}, {"x", i64, {}, ""}}), precondition_error);
}

TEST(cell_values, what_is_not_written_is_missing) {
  const cell_values v(schema());
  for (const double x : v.of<double>("error")) EXPECT_TRUE(std::isnan(x));
  for (const float x : v.of<float>("weight")) EXPECT_TRUE(std::isnan(x));
  EXPECT_EQ(v.integers("best"), (std::vector<std::int64_t>{-1, -1}));
  for (const std::int8_t x : v.of<std::int8_t>("flag")) EXPECT_EQ(x, -1);
}

TEST(cell_values, a_wrong_name_type_or_number_is_refused) {
  cell_values v(schema());
  EXPECT_THROW(v.of<double>("share"), precondition_error);
  EXPECT_THROW(v.of<double>("best"), precondition_error);
  EXPECT_THROW(v.set("error", 1.0), precondition_error);
  EXPECT_THROW(v.write("error", std::vector<double>(4), 3), precondition_error);
  v.write("error", std::vector<double>{1, 2, 3}, 3);
  EXPECT_EQ(v.of<double>("error")[5], 3);
  EXPECT_TRUE(std::isnan(v.of<double>("error")[2]));
}

TEST(cell_values, one_place_along_a_first_axis_is_seen_at_a_time) {
  std::vector<dimension> more = dimensions();
  more.push_back({"stage", std::vector<std::int64_t>{0, 1, 2}, "stage"});
  std::vector<variable> over = declared();
  over.push_back({"mean", f64, {"stage?", "k"}, ""});
  cell_values v(std::make_shared<const results_schema>(more, over));
  v.enter("stage", 1);
  v.set("loss", 5.0);
  v.write("mean", std::vector<double>{1, 2}, 1);
  EXPECT_EQ(v.of<double>("mean").size(), 3U);
  EXPECT_THROW(v.write("mean", std::vector<double>{1, 2}, 2), precondition_error);
  EXPECT_EQ(v.of<double>("error").size(), 6U) << "it has no stages";
  v.leave();
  const std::span<const double> loss = v.of<double>("loss"), mean = v.of<double>("mean");
  ASSERT_EQ(mean.size(), 9U);
  EXPECT_EQ(loss[1], 5);
  EXPECT_EQ(mean[4], 1);
  EXPECT_EQ(mean[5], 2);
  EXPECT_EQ(std::count_if(mean.begin(), mean.end(), [](double x) { return std::isnan(x); }), 7);
  EXPECT_THROW(v.enter("stage", 3), precondition_error);
  cell_values without(schema());
  without.enter("stage", 7);
  without.set("loss", 1.0);
  EXPECT_EQ(without.of<double>("loss").size(), 1U) << "a file without stages has no places along them";
}

TEST(cell_values, the_checksum_is_that_of_the_concatenated_bytes) {
  cell_values v(schema());
  v.set("loss", 2.5);
  std::string bytes;
  for (const variable_slot& slot : v.schema()->slots()) {
    const auto part = v.bytes_of(slot);
    bytes.append(reinterpret_cast<const char*>(part.data()), part.size());
  }
  EXPECT_EQ(bytes.size(), 6U * 8 + 3 + 2 * 8 + 3 * 4 + 8) << "without gaps";
  checksum whole;
  whole.add(std::as_bytes(std::span(bytes)));
  EXPECT_EQ(v.checksum(), whole.value());
}

TEST(cell_values, every_value_is_in_the_checksum) {
  const cell_values missing(schema());
  std::set<std::uint64_t> seen{missing.checksum()};
  const auto changed = [&](auto value, const char* name, std::size_t at) {
    cell_values v = missing;
    v.of<decltype(value)>(name)[at] = value;
    EXPECT_TRUE(seen.insert(v.checksum()).second) << name << " " << at;
  };
  for (std::size_t i = 0; i < 6; ++i) changed(1.0, "error", i);
  for (std::size_t i = 0; i < 3; ++i) changed(std::int8_t{1}, "flag", i);
  for (std::size_t i = 0; i < 2; ++i) changed(std::int64_t{1}, "best", i);
  for (std::size_t i = 0; i < 3; ++i) changed(1.0F, "weight", i);
  changed(1.0, "loss", 0);
}

}  // namespace
}  // namespace cotscale
