// Ranges of an axis against lists that were written down by hand.
#include "cotscale/config/range.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/config/reader.hpp"
#include "cotscale/config/toml_text.hpp"
#include "support/refusal.hpp"

namespace cotscale::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct axes {
  std::vector<std::int64_t> n{7};
  std::vector<double> x{7};
};

axes read(const std::string& text) {
  const toml::table root = parse_text(text, "r.toml");
  problem_list problems("r.toml");
  axes out;
  reader keys(&root, "sweep", problems);
  keys.axis({.name = "n", .help = ""}, out.n, {.least = 1, .most = 1000});
  keys.axis({.name = "x", .help = ""}, out.x, {.above = 0});
  keys.finish();
  problems.raise();
  return out;
}

std::string refusal(const std::string& text) {
  return support::refusal_of([&] { read(text); });
}

TEST(range, of_steps_holds_both_ends) {
  EXPECT_THAT(read("n = { from = 10, to = 50, step = 10 }").n, ElementsAre(10, 20, 30, 40, 50));
  EXPECT_THAT(read("x = { from = 0.1, to = 0.5, step = 0.1 }").x, ElementsAre(0.1, 0.2, 0.3, 0.4, 0.5));
}

TEST(range, of_a_count_is_linear_unless_it_says_log) {
  EXPECT_THAT(read("n = { from = 1, to = 9, count = 3 }").n, ElementsAre(1, 5, 9));
  EXPECT_THAT(read("n = { from = 1, to = 9, count = 3, scale = \"linear\" }").n, ElementsAre(1, 5, 9));
  EXPECT_THAT(read("n = { from = 10, to = 1000, count = 7, scale = \"log\" }").n,
              ElementsAre(10, 22, 46, 100, 215, 464, 1000));
  EXPECT_THAT(read("x = { from = 1e-3, to = 1e3, count = 7, scale = \"log\" }").x,
              ElementsAre(1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0, 1000.0));
  EXPECT_THAT(read("x = { from = 1, to = 2, count = 3, scale = \"log\" }").x, ElementsAre(1.0, 1.41421356237, 2.0));
}

TEST(range, has_exact_ends_and_rounds_between_them) {
  const std::vector<double> values = read("x = { from = 0.1234567890123456, to = 3.141592653589793, count = 4 }").x;
  EXPECT_EQ(values.front(), 0.1234567890123456);
  EXPECT_EQ(values.back(), 3.141592653589793);
  EXPECT_EQ(values[1], 1.12950207720) << "twelve digits";
}

TEST(range, of_integers_is_refused_where_they_do_not_differ) {
  EXPECT_THAT(refusal("n = { from = 10, to = 12, count = 7 }"),
              HasSubstr("r.toml:1: sweep.n has a range of 7 values from 10 to 12, of which 3 differ as integers"));
  EXPECT_THAT(refusal("n = { from = 1.5, to = 12, count = 2 }"), HasSubstr("its range has the end 1.5"));
}

TEST(range, that_cannot_be_is_refused_in_words) {
  EXPECT_THAT(refusal("n = { from = 10, to = 55, step = 10 }"),
              HasSubstr("sweep.n.step = 10 does not lead from 10 to 55; the nearest ends are to = 50 and to = 60"));
  EXPECT_THAT(refusal("n = { from = 10, to = 10, count = 2 }"),
              HasSubstr("sweep.n.to is 10, but must be above from = 10"));
  EXPECT_THAT(refusal("n = { from = 10, to = 5, step = 1 }"), HasSubstr("sweep.n.to is 5, but must be above"));
  EXPECT_THAT(refusal("n = { from = 10, to = 20 }"),
              HasSubstr("sweep.n.count is missing; set it, for example count = 5, or step"));
  EXPECT_THAT(refusal("n = { from = 10, to = 20, count = 3, step = 5 }"),
              HasSubstr("sweep.n.step is set beside count"));
  EXPECT_THAT(refusal("n = { from = 10, to = 20, step = 5, scale = \"log\" }"),
              HasSubstr("sweep.n.scale has an effect with count only"));
  EXPECT_THAT(refusal("n = { from = 10, to = 20, count = 1 }"), HasSubstr("sweep.n.count must be at least 2, got 1"));
  EXPECT_THAT(refusal("n = { from = 10, to = 20, step = 0 }"), HasSubstr("sweep.n.step must be positive, got 0"));
  EXPECT_THAT(refusal("n = { to = 20, step = 2 }"), HasSubstr("sweep.n.from is missing"));
  EXPECT_THAT(refusal("n = { form = 1, to = 20, step = 2 }"),
              HasSubstr("unknown key sweep.n.form; did you mean sweep.n.from?"));
  EXPECT_THAT(refusal("n = { from = 1, to = 20, count = 3, scale = \"lag\" }"), HasSubstr("did you mean \"log\"?"));
  EXPECT_THAT(refusal("x = { from = -1, to = 20, count = 3, scale = \"log\" }"),
              HasSubstr("sweep.x.from must be positive with scale"));
  EXPECT_THAT(refusal("x = { from = -1e308, to = 1e308, count = 3 }"), HasSubstr("too far from -1e+308"));
  EXPECT_THAT(refusal("x = { from = 1e-308, to = 1e308, count = 3, scale = \"log\" }"), HasSubstr("too far from"));
  EXPECT_THAT(refusal("n = { from = 1, to = 1e300, step = 1 }"), HasSubstr("are the most"));
}

TEST(range, keeps_the_limits_of_its_axis) {
  EXPECT_THAT(refusal("n = { from = 0, to = 4, step = 1 }"),
              HasSubstr("sweep.n must be at least 1, got 0 in its range"));
  EXPECT_THAT(refusal("n = { from = 900, to = 1100, count = 3 }"), HasSubstr("must be at most 1000, got 1100"));
  EXPECT_THAT(refusal("x = { from = 1, to = 1.0000000000000002, count = 3 }"), HasSubstr("too close together"));
}

}  // namespace
}  // namespace cotscale::config
