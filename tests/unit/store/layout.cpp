#include "cotscale/store/layout.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "cotscale/base/hash.hpp"

namespace cotscale {
namespace {

coordinates small_grid() {
  return {.models = {"a", "b"},
          .mixtures = {"matched"},
          .hardness = {2, 5, 9},
          .target_support_hardness = {2, 5, 9},
          .n = {1, 2},
          .repeats = {0, 1, 2, 3, 4},
          .m = {7},
          .k = {0, 1},
          .training_steps = {0, 1, 2}};
}

TEST(layout, cell_numbers_and_positions_are_inverse_and_row_major) {
  const coordinates grid = small_grid();
  EXPECT_EQ(grid.cell_count(), 2U * 1 * 3 * 2 * 5);
  for (std::size_t i = 0; i < grid.cell_count(); ++i) EXPECT_EQ(cell_number(grid, position_of(grid, i)), i);
  EXPECT_EQ(position_of(grid, 1), (cell_position{0, 0, 0, 0, 1})) << "the last axis varies fastest";
  EXPECT_EQ(position_of(grid, 30), (cell_position{1, 0, 0, 0, 0}));
}

TEST(layout, every_member_of_a_result_is_in_the_checksum) {
  cell_result result;
  const auto doubles = [](const payload_variable& v) {
    return std::holds_alternative<std::vector<double> cell_result::*>(v.member);
  };
  for (const payload_variable& v : payload_variables()) {
    if (doubles(v)) result.*std::get<std::vector<double> cell_result::*>(v.member) = {0.0};
  }
  const std::uint64_t before = payload_checksum(result);
  std::set<std::uint64_t> seen{before};
  for (const payload_variable& v : payload_variables()) {
    cell_result changed = result;
    std::visit(
        [&](auto member) {
          auto& value = changed.*member;
          if constexpr (requires { value.data(); }) {
            value[0] = 1;
          } else {
            value = 17;
          }
        },
        v.member);
    EXPECT_TRUE(seen.insert(payload_checksum(changed)).second) << v.name << " does not reach the checksum";
  }
}

TEST(layout, the_checksum_is_that_of_the_concatenated_bytes) {
  cell_result result;
  result.error_mean = {1.5, 2.5};
  result.training_steps = 12;
  std::string bytes;
  for (const payload_variable& v : payload_variables()) {
    const auto part = bytes_of(v, result);
    bytes.append(reinterpret_cast<const char*>(part.data()), part.size());
  }
  checksum whole;
  whole.add(std::as_bytes(std::span(bytes)));
  EXPECT_EQ(payload_checksum(result), whole.value());
}

TEST(layout, sizes_count_every_dataset) {
  // Per cell: 8 variables over (m, k), 2 over k, training_loss over 3 steps, 6 scalars of 8 bytes, one of 1; the record
  // has 33 bytes.
  const coordinates grid = small_grid();
  EXPECT_EQ(payload_bytes(grid), grid.cell_count() * (8 * 8 * 2 + 2 * 8 * 2 + 8 * 3 + 6 * 8 + 1 + 33));
}

}  // namespace
}  // namespace cotscale
