#include "cotscale/select/judged.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string_view>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/base/stop.hpp"
#include "cotscale/select/plain.hpp"
#include "cotscale/select/quadratic.hpp"
#include "cotscale/task/wishart.hpp"
#include "cotscale/theory/closed_forms.hpp"
#include "support/threads.hpp"
#include "unit/select/small_problems.hpp"

namespace cotscale {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr double infinity = std::numeric_limits<double>::infinity();

// ---- instances ----

struct instance {
  covariance target;
  std::vector<covariance> candidates;
  std::vector<std::vector<double>> starts;
  int n, m, k;

  judged_problem problem() const { return {.candidates = candidates, .target = target, .n = n, .m = 1.0 * m, .k = k}; }
};

instance make(int i, int m, int k) {
  const int d = 2 + i % 3;
  instance out{.target = wishart(d, 3 * d, fmt::format("target {}", i)),
               .candidates = {},
               .starts = {},
               .n = 40,
               .m = m,
               .k = k};
  for (int l = 0; l < 9; ++l) out.candidates.push_back(wishart(d, d + 2, fmt::format("candidate {} {}", i, l)));
  const auto& c = out.candidates;
  out.starts = {select_quadratic(c, out.target, {}).probabilities, uniform_mixture(c), easy_mixture(c), hard_mixture(c),
                relevant_mixture(c, out.target)};
  return out;
}

stream_key key(std::string_view purpose) { return key_builder(purpose).key(); }

judged_options options(int samples, int max_samples) {
  return {.samples = samples, .max_samples = max_samples, .training_key = key("training"), .fresh_key = key("fresh")};
}

double objective_on(const instance& c, const std::vector<double>& pi, int draws, std::string_view purpose) {
  const std::vector<matrix> samples = sample_covariances(c.target, c.m, draws, key(purpose));
  return exact_problem(c.candidates, samples, c.n, c.k).objective(pi);
}

// ---- what it promises ----

TEST(select_judged, is_never_worse_than_a_start_on_fresh_draws) {
  const one_thread scope;
  for (int i = 0; i < 8; ++i) {
    const instance c = make(i, 10 + 40 * (i % 3), 2 + i % 4);
    const judged_solution s = select_judged(c.problem(), c.starts, options(16, 1024), {});
    ASSERT_EQ(s.starts.size(), c.starts.size());
    for (const judgement& start : s.starts) EXPECT_LE(s.value.objective, start.objective) << i;
    EXPECT_EQ(s.value.objective, objective_on(c, s.probabilities, s.fresh_samples, "fresh")) << i;
    EXPECT_EQ(s.value.training, objective_on(c, s.probabilities, s.samples, "training")) << i;
    for (std::size_t l = 0; l < c.starts.size(); ++l) {
      EXPECT_EQ(s.starts[l].objective, objective_on(c, c.starts[l], s.fresh_samples, "fresh"));
    }
    EXPECT_NEAR(std::accumulate(s.probabilities.begin(), s.probabilities.end(), 0.0), 1, 1e-12);
  }
}

TEST(select_judged, is_within_its_standard_error) {
  const one_thread scope;
  int settled = 0;
  for (int i = 0; i < 6; ++i) {
    const instance c = make(i, 200, 2);
    const judged_solution s = select_judged(c.problem(), c.starts, options(16, 16384), {});
    const double truth = objective_on(c, s.probabilities, 40'000, "draws of nobody else");
    EXPECT_LE(std::abs(s.value.objective - truth), 4 * std::hypot(s.value.standard_error, 0.01 * truth)) << i;
    if (!s.settled) continue;
    ++settled;
    EXPECT_LE(s.value.standard_error, selection_accuracy * s.value.objective);
    EXPECT_NEAR(s.value.training / s.value.objective, 1, 2 * std::sqrt(2) * selection_accuracy);
    EXPECT_TRUE(!s.descended || s.stationarity <= largest_stationarity);
  }
  EXPECT_GE(settled, 4);
}

TEST(select_judged, says_that_the_cap_was_reached) {
  const one_thread scope;
  const instance c = make(0, 3, 9);  // m < 2d and a long chain
  const judged_solution s = select_judged(c.problem(), c.starts, options(16, 200), {});
  EXPECT_FALSE(s.settled);
  EXPECT_EQ(s.samples, 200);
  EXPECT_EQ(s.fresh_samples, 200);
  EXPECT_GT(s.value.standard_error, selection_accuracy * s.value.objective);
  const judged_solution fixed = select_judged(c.problem(), c.starts, options(200, 200), {});
  EXPECT_EQ(fixed.samples, 200);
  EXPECT_FALSE(fixed.settled);
}

TEST(select_judged, tells_when_rare_draws_rule_the_mean) {
  const one_thread scope;
  const instance rare = make(0, 3, 9);
  const judged_solution s = select_judged(rare.problem(), rare.starts, options(16, 2000), {});
  EXPECT_GT(s.starts.front().tail_share, rare_tail_share);
  EXPECT_LT(s.starts.front().median, s.starts.front().objective);
  const instance tame = make(0, 400, 2);
  const judged_solution t = select_judged(tame.problem(), tame.starts, options(16, 2000), {});
  EXPECT_LT(t.value.tail_share, 0.1);
  EXPECT_NEAR(t.value.median / t.value.objective, 1, 0.3);
}

TEST(select_judged, takes_the_expectation_where_it_is_known) {
  const one_thread scope;
  const instance one_step = make(1, 7, 1);
  const judged_solution s = select_judged(one_step.problem(), one_step.starts, options(16, 500), {});
  EXPECT_TRUE(s.settled);
  EXPECT_EQ(s.samples, 0);
  EXPECT_EQ(s.value.standard_error, 0);
  const task_mixture mixture(one_step.candidates, s.probabilities);
  EXPECT_NEAR(s.value.objective, one_step_error(trained_preconditioner(mixture, one_step.n), one_step.target, 7), 1e-9);
  for (const judgement& start : s.starts) EXPECT_LE(s.value.objective, start.objective);
  EXPECT_NE(s.value.median, s.value.objective) << "it is of draws";

  const instance longer = make(1, 7, 6);
  judged_problem limit = longer.problem();
  limit.m = infinity;
  const judged_solution l = select_judged(limit, longer.starts, options(16, 500), {});
  EXPECT_EQ(l.samples + l.fresh_samples, 0);
  EXPECT_EQ(l.value.standard_error, 0);
  EXPECT_EQ(l.value.median, l.value.objective);
  EXPECT_TRUE(l.settled);
}

TEST(select_judged, does_not_depend_on_threads) {
  const instance c = make(2, 30, 4);
  const auto with = [&](int threads) {
    const support::thread_scope scope(threads);
    return select_judged(c.problem(), c.starts, options(16, 300), {});
  };
  const judged_solution one = with(1);
  for (const int threads : {2, 3}) {
    const judged_solution other = with(threads);
    EXPECT_EQ(other.probabilities, one.probabilities);
    EXPECT_EQ(other.value.objective, one.value.objective);
    EXPECT_EQ(other.value.standard_error, one.value.standard_error);
  }
}

// ---- refusals ----

TEST(select_judged, refuses_in_words_and_stops) {
  const instance c = make(0, 10, 2);
  EXPECT_THROW(select_judged(c.problem(), {}, options(16, 16), {}), precondition_error);
  EXPECT_THROW(select_judged(c.problem(), c.starts, options(16, 8), {}), precondition_error);
  const covariance other({1, 2, 3, 4, 5});
  const judged_problem wrong{.candidates = c.candidates, .target = other, .n = 1, .m = 5, .k = 2};
  EXPECT_THAT([&] { select_judged(wrong, c.starts, options(16, 16), {}); },
              ThrowsMessage<specification_error>(HasSubstr("the target has 5")));
  std::stop_source source;
  source.request_stop();
  EXPECT_THROW(select_judged(c.problem(), c.starts, options(16, 16), source.get_token()), stopped);
}

}  // namespace
}  // namespace cotscale
