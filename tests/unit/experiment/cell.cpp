// What cells share must not show in what they compute.
#include "cotscale/experiment/cell.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <stop_token>
#include <tuple>
#include <vector>

#include "cotscale/base/stop.hpp"
#include "support/threads.hpp"
#include "unit/experiment/cells.hpp"

namespace cotscale {
namespace {

TEST(cell_computer, computes_what_each_cell_computes_alone_in_any_order) {
  const specification spec = make();
  const coordinates grid = make_coordinates(spec);
  const std::size_t count = grid.cell_count();
  ASSERT_EQ(count, 3U * 5 * 2 * 2 * 2);
  std::vector<cell_values> expected;
  for (std::size_t i = 0; i < count; ++i) expected.push_back(alone(spec, grid, make_cell(grid, i)));
  for (const std::size_t stride : {std::size_t{1}, count - 1, std::size_t{7}, std::size_t{49}}) {
    ASSERT_EQ(std::gcd(stride, count), 1U) << "every cell comes once";
    const support::thread_scope scope(stride == 7 ? 3 : 1);
    cell_computer computer(spec, grid);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t number = (i + 1) * stride % count;
      const cell c = make_cell(grid, number);
      EXPECT_EQ(difference(computer.compute(c, {}), expected[number]), "") << describe(c) << ", stride " << stride;
    }
  }
}

TEST(cell_computer, has_the_same_baselines_for_all_models_mixtures_and_n) {
  const specification spec = make();
  const coordinates grid = make_coordinates(spec);
  cell_computer computer(spec, grid);
  const cell_values first = computer.compute(find(grid, "population", "matched"), {});
  for (const auto& [model, mixture, n] :
       {std::tuple("learned", "matched", 3), std::tuple("closed", "mine", 3), std::tuple("population", "skewed", 20)}) {
    const cell_values other = computer.compute(find(grid, model, mixture, n), {});
    EXPECT_EQ(other.doubles("baseline_error"), first.doubles("baseline_error"));
    EXPECT_EQ(other.doubles("baseline_median"), first.doubles("baseline_median"));
    EXPECT_NE(other.doubles("error_mean"), first.doubles("error_mean"));
  }
  EXPECT_NE(computer.compute(find(grid, "population", "matched", 3, 1), {}).doubles("baseline_error"),
            first.doubles("baseline_error"))
      << "other test prompts";
}

TEST(cell_computer, trains_learned_models_anew_for_every_repeat_and_others_once) {
  const specification spec = make();
  const coordinates grid = make_coordinates(spec);
  cell_computer computer(spec, grid);
  const auto loss = [&](const char* model, const char* mixture, std::int64_t repeat) {
    return computer.compute(find(grid, model, mixture, 3, repeat), {}).value<double>("final_loss");
  };
  EXPECT_EQ(loss("population", "matched", 0), loss("population", "matched", 1));
  EXPECT_NE(loss("learned", "matched", 0), loss("learned", "matched", 1));
  EXPECT_NE(loss("population", "mine", 0), loss("population", "mine", 1)) << "other candidates are drawn";
}

TEST(cell_computer, stops_when_asked_and_computes_again_afterwards) {
  const specification spec = make();
  const coordinates grid = make_coordinates(spec);
  cell_computer computer(spec, grid);
  std::stop_source stop;
  stop.request_stop();
  const cell c = find(grid, "learned", "mine");
  EXPECT_THROW(computer.compute(c, stop.get_token()), stopped);
  EXPECT_EQ(difference(computer.compute(c, {}), alone(spec, grid, c)), "") << "nothing half done is kept";
}

}  // namespace
}  // namespace cotscale
