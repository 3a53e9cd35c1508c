// Candidate tasks of a grid: which they are, and how they are drawn.
#include "cotscale/experiment/grid.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/linalg/blas.hpp"
#include "unit/experiment/grids.hpp"

namespace cotscale {
namespace {

const std::string some_candidates = "[tasks]\nexponents = [0.5, 2]\ndirections = [1, 3]\neach = 2\n";

TEST(grid, candidates_have_the_eigenvalues_that_their_names_say) {
  const specification spec = make("[target]\nrotation = \"none\"\n" + some_candidates);
  const auto candidates = make_candidates(spec, 0);
  EXPECT_EQ(candidates->names,
            (std::vector<std::string>{"0.5-1-0", "0.5-1-1", "0.5-3-0", "0.5-3-1", "2-1-0", "2-1-1", "2-3-0", "2-3-1"}));
  EXPECT_EQ(make_coordinates(spec).tasks, candidates->names);
  ASSERT_EQ(candidates->tasks.size(), 8U);
  for (std::size_t i = 0; i < 8; ++i) {
    const covariance& task = candidates->tasks[i];
    std::vector<double> values(task.eigenvalues().begin(), task.eigenvalues().end());
    std::sort(values.rbegin(), values.rend());
    const double alpha = i < 4 ? 0.5 : 2;
    const bool three = i % 4 >= 2;
    const std::vector<double> expected{1, three ? std::pow(2, -alpha) : 0, three ? std::pow(3, -alpha) : 0, 0};
    for (std::size_t j = 0; j < 4; ++j) EXPECT_NEAR(values[j], expected[j], 1e-15) << candidates->names[i];
    EXPECT_EQ(frobenius_norm(task.values()), norm(task.eigenvalues())) << "no rotation: diagonal";
  }
}

TEST(grid, candidates_are_drawn_anew_for_every_draw_and_do_not_depend_on_the_others) {
  const specification spec = make(some_candidates);
  const auto values = [](const specification& s, std::int64_t draw, std::size_t task) {
    return make_candidates(s, draw)->tasks.at(task).values();
  };
  EXPECT_EQ(values(spec, 3, 7), values(spec, 3, 7));
  int different = 0;
  for (std::int64_t draw = 1; draw < 20; ++draw) different += values(spec, draw, 7) != values(spec, 0, 7) ? 1 : 0;
  EXPECT_GT(different, 15) << "of 24 orders, one comes again now and then";
  specification fewer = spec;
  fewer.tasks.exponents = {2};
  fewer.tasks.directions = {3};
  EXPECT_EQ(values(fewer, 5, 1), values(spec, 5, 7)) << "a list of candidates can grow";
}

TEST(grid, candidates_draw_every_direction_equally_often_and_none_twice) {
  const specification spec = make("[tasks]\nexponents = [1]\ndirections = [2]\neach = 1\n");
  matrix pairs(4, 4);  // the strongest direction, and the second
  constexpr int draws = 2400;
  for (int draw = 0; draw < draws; ++draw) {
    const matrix values = make_candidates(spec, draw)->tasks.front().values();
    int first = -1, second = -1;
    for (int j = 0; j < 4; ++j) {
      if (values(j, j) == 1) first = j;
      if (values(j, j) == 0.5) second = j;
    }
    ASSERT_TRUE(first >= 0 && second >= 0);
    pairs(first, second) += 1;
  }
  const double expected = draws / 12.0;
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < 4; ++j) {
      EXPECT_NEAR(pairs(i, j), i == j ? 0 : expected, i == j ? 0 : 4 * std::sqrt(expected));
    }
  }
}

TEST(grid, candidates_follow_the_rotation_of_the_target) {
  const auto pair = [](const char* rotation) {
    const specification spec = make(std::string("[target]\nrotation = \"") + rotation + "\"\n" + some_candidates);
    const auto candidates = make_candidates(spec, 0);
    return std::pair(candidates->tasks[2], candidates->tasks[7]);
  };
  const auto [shared, other_shared] = pair("shared");
  EXPECT_NE(shared.values()(0, 1), 0);
  EXPECT_TRUE(commute(shared, other_shared));
  const auto [own, other_own] = pair("independent");
  EXPECT_FALSE(commute(own, other_own));
}

TEST(grid, knows_which_mixtures_are_made_of_candidates) {
  const specification spec = make(some_candidates, "hardness = 5",
                                  "[mixtures.mixed]\nprobabilities = [1, 1, 1, 1, 0, 0, 0, 0]\n[mixtures.plain]\n"
                                  "spectrum = \"power_law\"\nexponent = 1\n");
  specification with_both = spec;
  with_both.mixture_tables["mixed"].probabilities = {1, 1, 1, 1, 0, 0, 0, 0};
  for (const char* name : {"selected", "exact", "uniform", "easy", "hard", "relevant", "mixed"}) {
    EXPECT_TRUE(depends_on_candidates(with_both, name)) << name;
  }
  for (const char* name : {"matched", "skewed", "isotropic", "plain"}) {
    EXPECT_FALSE(depends_on_candidates(with_both, name)) << name;
  }
  EXPECT_THROW(make_candidates(make(""), 0), precondition_error);
}

}  // namespace
}  // namespace cotscale
