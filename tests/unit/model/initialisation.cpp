#include "cotscale/model/initialisation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "cotscale/base/error.hpp"

namespace cotscale {
namespace {

constexpr int layers = 6, width = 128;  // of gpt2_small

gpt2_layout small_layout() { return gpt2_layout({.d = 20, .size = gpt2_small, .examples = 40, .chain = 8}); }

// Without its layer: "attn.c_attn.weight".
std::string kind_of(const std::string& name) {
  return name.starts_with("h.") ? name.substr(name.find('.', 2) + 1) : name;
}

// Every matrix of every layer has these standard deviations and mean 0: to 5 standard errors of either, which one right
// tensor in a million exceeds. Gains are 1, biases 0.
void expect_deviations(const std::string& word, const std::map<std::string, double>& expected) {
  const gpt2_layout layout = small_layout();
  const std::vector<float> values = initial_gpt2(layout, *initialisation_named(word), {1, 2});
  for (const gpt2_tensor& t : layout.tensors()) {
    const auto first = values.begin() + static_cast<std::ptrdiff_t>(t.offset);
    const auto last = first + static_cast<std::ptrdiff_t>(t.size());
    if (t.shape.size() == 1) {
      const float constant = t.name.ends_with("weight") ? 1 : 0;
      EXPECT_TRUE(std::all_of(first, last, [&](float x) { return x == constant; })) << word << " " << t.name;
      continue;
    }
    double sum = 0, squares = 0;
    std::for_each(first, last, [&](double x) { sum += x, squares += x * x; });
    const auto count = static_cast<double>(t.size());
    const double deviation = expected.at(kind_of(t.name));
    EXPECT_NEAR(sum / count, 0, 5 * deviation / std::sqrt(count)) << word << " " << t.name;
    EXPECT_NEAR(std::sqrt(squares / count), deviation, 5 * deviation / std::sqrt(2 * count)) << word << " " << t.name;
  }
}

TEST(initial_gpt2, has_the_moments_of_fan_in) {
  const double map = 1 / std::sqrt(width), residual = std::sqrt(2.0 * layers);
  expect_deviations("fan_in", {{"read_in.weight", map},
                               {"wpe.weight", 0.05},
                               {"attn.c_attn.weight", map},
                               {"attn.c_proj.weight", map / residual},
                               {"mlp.c_fc.weight", map},
                               {"mlp.c_proj.weight", map / 2 / residual},
                               {"read_out.weight", 0.02}});
}

TEST(initial_gpt2, has_the_moments_of_gpt2) {
  const double residual = std::sqrt(2.0 * layers);
  expect_deviations("gpt2", {{"read_in.weight", 0.02},
                             {"wpe.weight", 0.02},
                             {"attn.c_attn.weight", 0.02},
                             {"attn.c_proj.weight", 0.02 / residual},
                             {"mlp.c_fc.weight", 0.02},
                             {"mlp.c_proj.weight", 0.02 / residual},
                             {"read_out.weight", 0.02}});
}

TEST(initial_gpt2, is_a_function_of_key_and_name) {
  const gpt2_layout layout = small_layout();
  for (const initialisation_scheme* scheme : all_initialisations()) {
    const std::vector<float> values = initial_gpt2(layout, *scheme, {1, 2});
    EXPECT_EQ(initial_gpt2(layout, *scheme, {1, 2}), values);
    EXPECT_NE(initial_gpt2(layout, *scheme, {1, 3}), values);
  }
}

TEST(initial_gpt2, gives_a_tensor_its_numbers_by_name) {
  const gpt2_layout short_one({.d = 5, .size = gpt2_tiny, .examples = 4, .chain = 1});
  const gpt2_layout long_one({.d = 5, .size = gpt2_tiny, .examples = 9, .chain = 3});
  for (const initialisation_scheme* scheme : all_initialisations()) {
    const std::vector<float> a = initial_gpt2(short_one, *scheme, {1, 2}), b = initial_gpt2(long_one, *scheme, {1, 2});
    EXPECT_EQ(a[short_one.blocks[1].c_fc_weight], b[long_one.blocks[1].c_fc_weight]);
    EXPECT_NE(a[short_one.blocks[0].c_fc_weight], a[short_one.blocks[1].c_fc_weight]);
  }
}

TEST(initialisation_named, knows_the_words_of_the_list) {
  for (const initialisation_scheme* scheme : all_initialisations()) {
    EXPECT_EQ(initialisation_named(scheme->word())->word(), scheme->word());
  }
  EXPECT_THROW(initialisation_named("random"), specification_error);
}

}  // namespace
}  // namespace cotscale
