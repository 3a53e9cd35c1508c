// The optimisers in single precision, over many parameters.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "cotscale/train/optimizer.hpp"
#include "support/matrices.hpp"
#include "support/threads.hpp"

namespace cotscale {
namespace {

constexpr std::size_t size = 200'001;  // several blocks

template<class T>
std::vector<T> numbers(const char* name) {
  const std::vector<double> out = support::gaussian(size, name);
  return {out.begin(), out.end()};
}

template<class T>
std::vector<T> three_steps(const std::shared_ptr<const update_rule>& rule) {
  optimizer_options options;
  options.rule = rule;
  basic_optimizer<T> optimizer(options, size);
  std::vector<T> p = numbers<T>("parameters");
  for (const char* name : {"first", "second", "third"}) optimizer.update(0.1, numbers<T>(name), p);
  return p;
}

TEST(basic_optimizer, follows_double_precision_in_single) {
  for (const auto& rule : {update_rule_named("gd"), update_rule_named("sgd"), update_rule_named("adam"),
                           update_rule_named("adamw", "weight_decay = 0.3")}) {
    const std::vector<float> single = three_steps<float>(rule);
    const std::vector<double> exact = three_steps<double>(rule);
    double largest = 0;
    for (std::size_t i = 0; i < size; ++i) {
      largest = std::max(largest, std::abs(static_cast<double>(single[i]) - exact[i]));
    }
    EXPECT_LT(largest, 1e-5);
  }
}

TEST(basic_optimizer, does_not_depend_on_threads) {
  const std::vector<float> once = three_steps<float>(update_rule_named("adamw", "weight_decay = 0.3"));
  const support::thread_scope scope(3);
  EXPECT_EQ(three_steps<float>(update_rule_named("adamw", "weight_decay = 0.3")), once);
}

TEST(clip, shortens_long_single_precision_gradients) {
  std::vector<float> g = numbers<float>("gradient");
  const double length = std::sqrt(std::inner_product(g.begin(), g.end(), g.begin(), 0.0));
  EXPECT_NEAR(clip(g, 0), length, 1e-9 * length);
  std::vector<float> other = g;
  {
    const support::thread_scope scope(3);
    EXPECT_EQ(clip(other, 2), clip(g, 2));
  }
  EXPECT_EQ(other, g);
  EXPECT_NEAR(clip(g, 0), 2, 1e-5);
}

}  // namespace
}  // namespace cotscale
