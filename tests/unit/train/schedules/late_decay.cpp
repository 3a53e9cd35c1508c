#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cotscale/base/error.hpp"
#include "cotscale/train/optimizer_part.hpp"
#include "support/parts.hpp"

namespace cotscale {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(late_decay, is_constant_and_then_falls_in_a_line_to_zero) {
  optimizer_options o;
  o.learning_rate = 0.5;
  o.schedule = schedule_named("late_decay", "decay_from = 0.6");
  o.warm_up = 10;
  EXPECT_NEAR(rate_at(o, 4, 110), 0.25, 1e-15);
  for (const std::int64_t t : {10, 35, 69, 70}) EXPECT_EQ(rate_at(o, t, 110), 0.5) << "step " << t;
  EXPECT_NEAR(rate_at(o, 71, 110), 0.5 * 39 / 40, 1e-15);
  EXPECT_NEAR(rate_at(o, 90, 110), 0.25, 1e-15);
  EXPECT_NEAR(rate_at(o, 109, 110), 0.5 * 1 / 40, 1e-15) << "the last step is one";
}

TEST(late_decay, falls_in_the_last_three_tenths_unless_told_otherwise) {
  EXPECT_EQ(support::written(*schedule_named("late_decay")), "late_decay\ndecay_from = 0.7\n");
  EXPECT_EQ(schedule_named("late_decay")->share(0.7), 1);
  EXPECT_NEAR(schedule_named("late_decay")->share(0.85), 0.5, 1e-15);
}

TEST(late_decay, from_the_beginning_is_the_line_to_zero) {
  for (const double x : {0.0, 0.25, 0.5, 0.99}) {
    EXPECT_EQ(schedule_named("late_decay", "decay_from = 0")->share(x), schedule_named("linear")->share(x));
  }
}

TEST(late_decay, must_begin_to_fall_before_the_end) {
  const auto refusal = [](const char* values, const char* words) {
    EXPECT_THAT([&] { schedule_named("late_decay", values); }, ThrowsMessage<specification_error>(HasSubstr(words)));
  };
  refusal("decay_from = 1.0", "decay_from must be below 1");
  refusal("decay_from = -0.1", "decay_from must not be negative");
  refusal("floor = 0.1", "floor has an effect with part = \"linear\" only");
}

}  // namespace
}  // namespace cotscale
