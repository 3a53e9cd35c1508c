#include "cotscale/store/layout.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>

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
          .training_steps = {0, 1, 2},
          .baselines = {"least_squares", "oracle"},
          .tasks = {"t0", "t1", "t2", "t3"},
          .rows = {0, 1, 2, 3, 4, 5},
          .weights = {}};
}

// The same without baselines, candidates and weights.
coordinates plain_grid() {
  coordinates grid = small_grid();
  grid.baselines = {};
  grid.tasks = {};
  grid.rows = {};
  return grid;
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
  for (const payload_variable& v : payload_variables()) {
    std::visit(
        [&](auto member) {
          if constexpr (requires { (result.*member).data(); }) (result.*member) = {0};
        },
        v.member);
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

TEST(layout, every_member_of_a_record_is_in_its_checksum) {
  const cell_record plain{.attempt = 1, .rank = 0, .start_time = 5, .wall_seconds = 1, .training_seconds = 1};
  std::set<std::uint64_t> seen{record_checksum(cell_status::done, plain, 7), record_being_written, 0};
  EXPECT_TRUE(seen.insert(record_checksum(cell_status::pending, plain, 7)).second) << "status";
  EXPECT_TRUE(seen.insert(record_checksum(cell_status::failed, plain, 7)).second) << "status";
  EXPECT_TRUE(seen.insert(record_checksum(cell_status::done, plain, 8)).second) << "the checksum of the payload";
  for (const record_variable& v : record_variables()) {
    cell_record changed = plain;
    std::visit([&](auto member) { changed.*member = 17; }, v.member);
    EXPECT_TRUE(seen.insert(record_checksum(cell_status::done, changed, 7)).second) << v.name;
  }
}

TEST(layout, weights_stand_in_a_group_of_their_own) {
  for (const payload_variable& v : payload_variables()) {
    const bool weights = v.name == "v" || v.name == "w";
    EXPECT_EQ(path_of(v), (weights ? "weights/" : "") + std::string(v.name));
  }
  EXPECT_EQ(path_of(axis::row), "weights/row");
  EXPECT_EQ(path_of(axis::k), "k");
  EXPECT_EQ(path_of(weight_variable{.name = "wpe.weight", .shape = {3, 4}}), "weights/wpe.weight");
}

TEST(layout, a_variable_with_an_empty_axis_is_left_out) {
  const std::set<std::string_view> optional{"baseline_error",
                                            "baseline_stderr",
                                            "baseline_median",
                                            "baseline_parameter",
                                            "baseline_at_edge",
                                            "task_probability",
                                            "v",
                                            "w"};
  std::size_t left_out = 0;
  for (const payload_variable& v : payload_variables()) {
    EXPECT_TRUE(is_present(v, small_grid())) << v.name;
    EXPECT_EQ(is_present(v, plain_grid()), !optional.contains(v.name)) << v.name;
    left_out += is_present(v, plain_grid()) ? 0 : 1;
  }
  EXPECT_EQ(left_out, optional.size());
}

TEST(layout, every_axis_has_a_name_and_a_length) {
  const coordinates grid = small_grid();
  EXPECT_EQ(name(axis::training_step), "training_step");
  EXPECT_EQ(name(axis::baseline), "baseline");
  EXPECT_EQ(name(axis::task), "task");
  EXPECT_EQ(name(axis::row), "row");
  EXPECT_EQ(name(axis::column), "column");
  EXPECT_EQ(grid.length(axis::baseline), 2U);
  EXPECT_EQ(grid.length(axis::task), 4U);
  EXPECT_EQ(grid.length(axis::row), 6U);
  EXPECT_EQ(grid.length(axis::column), 6U);
}

TEST(layout, sizes_count_every_dataset) {
  // Per cell, of 8 bytes each: 19 variables over (m, k), 2 over k, 3 over 3 training steps, 8 over m, 9 scalars; one
  // byte for each of `converged` and `training_diverged`; status, record and checksums have 57.
  const coordinates plain = plain_grid();
  const std::size_t each = 8 * (19 * 2 + 2 * 2 + 3 * 3 + 8 + 9) + 2 + 57;
  EXPECT_EQ(payload_bytes(plain), plain.cell_count() * each);
  // 3 over (baseline, m, k), 2 over (baseline, m), 1 over tasks, V and W.
  coordinates grid = small_grid();
  const std::size_t more = 8 * (3 * 4 + 2 * 2 + 4 + 2 * 36);
  EXPECT_EQ(payload_bytes(grid), grid.cell_count() * (each + more));
  grid.weights = {{.name = "h.0.w", .shape = {3, 4}}, {.name = "h.0.b", .shape = {5}}};
  EXPECT_EQ(payload_bytes(grid), grid.cell_count() * (each + more + 4 * (3 * 4 + 5)));
}

}  // namespace
}  // namespace cotscale
