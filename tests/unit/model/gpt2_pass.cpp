#include "cotscale/model/gpt2_pass.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "cotscale/base/error.hpp"
#include "support/gradient_check.hpp"
#include "support/matrices.hpp"
#include "support/positions.hpp"
#include "support/transposed_maps.hpp"

namespace cotscale {
namespace {

using support::close;
using support::gaussian;
using support::is_gradient;

constexpr gpt2_configuration configuration{.d = 3, .size = {3, 2, 8}, .examples = 5, .chain = 4};

// Large enough for every part to matter.
matrix random_parameters(const gpt2_layout& layout) {
  matrix out = gaussian(static_cast<int>(layout.size()), 1, "parameters");
  for (double& value : out.values()) value *= 0.4;
  return out;
}

// Outputs (W·B, d) of tokens (T·B, d + 1) that go forward in parts ending at `ends`.
template<class T>
matrix outputs(gpt2_pass<T>& pass, const matrix& parameters, const matrix& tokens, int batch, int weights,
               const std::vector<int>& ends) {
  const std::vector<T> p(parameters.values().begin(), parameters.values().end());
  pass.start(batch, tokens.rows() / batch - weights, weights);
  std::transform(tokens.values().begin(), tokens.values().end(), pass.token(0).data,
                 [](double x) { return static_cast<T>(x); });
  int first = 0;
  for (const int last : ends) {
    pass.forward(p, first, last);
    first = last;
  }
  matrix out(weights * batch, tokens.columns() - 1);
  std::copy_n(pass.output(0).data, out.size(), out.data());
  return out;
}

template<class T>
using keep = typename gpt2_pass<T>::keep;

TEST(gpt2_pass, does_not_depend_on_how_tokens_are_cut) {
  const gpt2_layout layout(configuration);
  const matrix parameters = random_parameters(layout), tokens = gaussian(14 * 6, 4, "tokens");
  gpt2_pass<double> all(layout, keep<double>::all), cache(layout, keep<double>::cache);
  const matrix whole = outputs(all, parameters, tokens, 6, 4, {14});
  for (const std::vector<int>& ends : {std::vector{10, 14}, {11, 12, 13, 14}, {3, 14}, {1, 2, 9, 14}}) {
    EXPECT_TRUE(close(outputs(all, parameters, tokens, 6, 4, ends), whole, 1e-13));
    EXPECT_TRUE(close(outputs(cache, parameters, tokens, 6, 4, ends), whole, 1e-13));
  }
  EXPECT_TRUE(close(outputs(cache, parameters, tokens, 6, 4, {14}), whole, 1e-13));
}

TEST(gpt2_pass, cuts_large_batches_itself) {
  const gpt2_layout layout(configuration);
  const matrix parameters = random_parameters(layout), tokens = gaussian(14 * 200, 4, "tokens");
  gpt2_pass<double> all(layout, keep<double>::all), cache(layout, keep<double>::cache);
  EXPECT_TRUE(
      close(outputs(cache, parameters, tokens, 200, 4, {14}), outputs(all, parameters, tokens, 200, 4, {14}), 1e-13));
}

TEST(gpt2_pass, is_used_again) {
  const gpt2_layout layout(configuration);
  const matrix parameters = random_parameters(layout);
  gpt2_pass<double> used(layout, keep<double>::all);
  outputs(used, parameters, gaussian(14 * 7, 4, "others"), 7, 4, {14});
  gpt2_pass<double> fresh(layout, keep<double>::all);
  const matrix tokens = gaussian(8 * 2, 4, "tokens");
  EXPECT_EQ(outputs(used, parameters, tokens, 2, 2, {8}), outputs(fresh, parameters, tokens, 2, 2, {8}));
}

TEST(gpt2_pass, treats_prompts_of_a_batch_alike) {
  const gpt2_layout layout(configuration);
  const matrix parameters = random_parameters(layout), one = gaussian(12, 4, "tokens");
  matrix three(36, 4);
  for (int t = 0; t < 12; ++t) {
    for (int b = 0; b < 3; ++b) three.set_block(3 * t + b, 0, one.block(t, 0, 1, 4));
  }
  gpt2_pass<double> pass(layout, keep<double>::all);
  const matrix alone = outputs(pass, parameters, one, 1, 2, {12}),
               together = outputs(pass, parameters, three, 3, 2, {12});
  for (int b = 0; b < 3; ++b) {
    EXPECT_TRUE(close(together.block(b, 0, 1, 3), alone.block(0, 0, 1, 3), 1e-13));
    EXPECT_TRUE(close(together.block(3 + b, 0, 1, 3), alone.block(1, 0, 1, 3), 1e-13));
  }
}

TEST(gpt2_pass, gives_an_estimate_its_position_in_short_prompts_too) {
  const gpt2_layout layout(configuration);
  matrix parameters = random_parameters(layout);
  gpt2_pass<double> pass(layout, keep<double>::all);
  const matrix tokens = gaussian(6 + 1, 4, "tokens");
  const matrix before = outputs(pass, parameters, tokens, 1, 1, {7});
  const auto move_position = [&](int position) {
    for (int j = 0; j < 8; ++j) parameters(static_cast<int>(layout.wpe_weight) + position * 8 + j, 0) += 1 + j;
  };
  move_position(6);
  EXPECT_EQ(outputs(pass, parameters, tokens, 1, 1, {7}), before) << "where a fourth example would be";
  move_position(10);
  EXPECT_NE(outputs(pass, parameters, tokens, 1, 1, {7}), before);
}

// The parameters of a model that has a learned row for each of its tokens, and the same positions.
matrix with_learned_rows(const gpt2_layout& layout, const matrix& parameters, const gpt2_layout& learned) {
  const gpt2_configuration &from = layout.configuration(), &to = learned.configuration();
  const int width = from.size.width, start = static_cast<int>(layout.wpe_weight), size = parameters.rows();
  const int after = start + from.position_rows() * width;
  const auto row = [&](int t) { return parameters.block(start + t * width, 0, width, 1); };
  matrix out(static_cast<int>(learned.size()), 1);
  out.set_block(0, 0, parameters.block(0, 0, start, 1));
  for (int t = 0; t < to.position_rows(); ++t) {
    matrix values(width, 1);
    const int step = t - to.example_rows();
    if (step >= 0) {
      values = row(from.example_rows() + (from.weights == weight_positions::own ? step : 0));
    } else if (from.positions == example_positions::learned) {
      values = row(t);
    } else if (from.positions == example_positions::sinusoidal) {
      for (int j = 0; j < width; ++j) {
        const double angle = t / std::pow(10'000, 2 * (j / 2) / static_cast<double>(width));
        values(j, 0) = j % 2 == 0 ? std::sin(angle) : std::cos(angle);
      }
    }
    out.set_block(start + t * width, 0, values);
  }
  out.set_block(start + to.position_rows() * width, 0, parameters.block(after, 0, size - after, 1));
  return out;
}

TEST(gpt2_pass, adds_the_positions_that_its_configuration_says) {
  for (const gpt2_configuration& c : support::with_all_positions(configuration)) {
    const gpt2_layout layout(c);
    const matrix parameters = random_parameters(layout);
    const int m = c.takes(7, 1) ? 7 : 5, steps = c.takes(1, 6) ? 6 : 4;  // beyond training where that is possible
    const gpt2_layout learned({.d = c.d, .size = c.size, .examples = m, .chain = steps});
    gpt2_pass<double> pass(layout, keep<double>::all), cache(layout, keep<double>::cache);
    gpt2_pass<double> reference(learned, keep<double>::all);
    // A shorter batch first: fixed positions grow.
    outputs(pass, parameters, gaussian(2 * (4 + 1), 4, "others"), 2, 1, {5});
    const matrix tokens = gaussian(2 * (2 * m + steps), 4, "tokens");
    const std::vector<int> ends{2 * m + steps};
    const matrix expected = outputs(reference, with_learned_rows(layout, parameters, learned), tokens, 2, steps, ends);
    EXPECT_TRUE(close(outputs(pass, parameters, tokens, 2, steps, ends), expected, 1e-13));
    EXPECT_TRUE(close(outputs(cache, parameters, tokens, 2, steps, ends), expected, 1e-13));
  }
}

TEST(gpt2_pass, takes_what_it_has_positions_for) {
  for (const gpt2_configuration& c : support::with_all_positions(configuration)) {
    const bool any_examples = c.positions != example_positions::learned,
               any_chain = c.weights == weight_positions::shared;
    const gpt2_layout layout(c);
    gpt2_pass<double> pass(layout, keep<double>::all);
    EXPECT_NO_THROW(pass.start(1, 2 * c.examples, c.chain));
    if (any_examples) {
      EXPECT_NO_THROW(pass.start(1, 2 * c.examples + 2, c.chain));
    } else {
      EXPECT_THROW(pass.start(1, 2 * c.examples + 2, c.chain), precondition_error);
    }
    if (any_chain) {
      EXPECT_NO_THROW(pass.start(1, 2 * c.examples, c.chain + 1));
    } else {
      EXPECT_THROW(pass.start(1, 2 * c.examples, c.chain + 1), precondition_error);
    }
  }
}

TEST(gpt2_pass, is_close_in_single_precision) {
  const gpt2_layout layout(configuration);
  const matrix parameters = random_parameters(layout), tokens = gaussian(14 * 6, 4, "tokens");
  gpt2_pass<double> exact(layout, keep<double>::all);
  gpt2_pass<float> single(layout, keep<float>::all);
  EXPECT_TRUE(
      close(outputs(single, parameters, tokens, 6, 4, {14}), outputs(exact, parameters, tokens, 6, 4, {14}), 3e-4));
}

// ---- backward ----

struct gradients {
  matrix parameters, tokens;  // tokens: of the weight tokens
};

gradients backward(gpt2_pass<double>& pass, const matrix& parameters, const matrix& cotangent,
                   const std::vector<int>& begins) {
  std::copy_n(cotangent.data(), cotangent.size(), pass.output_bar(0).data);
  gradients out{matrix(parameters.rows(), 1), matrix(cotangent.rows(), cotangent.columns() + 1)};
  const std::vector<double> transposed = support::transposed_maps(pass.layout(), parameters.values());
  pass.start_backward(transposed);
  int last = pass.token_count();
  for (const int first : begins) {
    pass.backward(parameters.values(), first, last, out.parameters.values());
    last = first;
  }
  std::copy_n(pass.token_bar(0).data, out.tokens.size(), out.tokens.data());
  return out;
}

TEST(gpt2_pass, has_the_gradient_of_what_it_computes) {
  std::vector<gpt2_configuration> all = support::with_all_positions(configuration);
  all.push_back(configuration);
  all.back().size.layers = 1;
  for (const gpt2_configuration& c : all) {
    const gpt2_layout layout(c);
    const matrix parameters = random_parameters(layout), tokens = gaussian(14 * 2, 4, "tokens");
    const matrix cotangent = gaussian(4 * 2, 3, "cotangent");
    gpt2_pass<double> pass(layout, keep<double>::all), other(layout, keep<double>::all);
    outputs(pass, parameters, tokens, 2, 4, {14});
    const gradients found = backward(pass, parameters, cotangent, {0});
    const auto loss = [&](const matrix& p) { return inner(cotangent, outputs(other, p, tokens, 2, 4, {14})); };
    for (const gpt2_tensor& t : layout.tensors()) {
      matrix direction(parameters.rows(), 1);
      const matrix part = gaussian(static_cast<int>(t.size()), 1, t.name);
      direction.set_block(static_cast<int>(t.offset), 0, part);
      EXPECT_TRUE(is_gradient(found.parameters, loss, parameters, direction, 1e-5, 1e-6)) << t.name;
      matrix wrong = found.parameters;
      for (std::size_t i = 0; i < t.size(); ++i) wrong(static_cast<int>(t.offset + i), 0) *= 1.01;
      if (t.name.find("c_attn.bias") == std::string::npos) {  // keys' biases change nothing
        EXPECT_FALSE(is_gradient(wrong, loss, parameters, direction, 1e-5, 1e-6)) << t.name;
      }
    }
    const auto loss_of_tokens = [&](const matrix& weights) {
      matrix moved = tokens;
      moved.set_block(20, 0, weights);
      return inner(cotangent, outputs(other, parameters, moved, 2, 4, {14}));
    };
    EXPECT_TRUE(
        is_gradient(found.tokens, loss_of_tokens, tokens.block(20, 0, 8, 4), gaussian(8, 4, "direction"), 1e-5, 1e-6));
  }
}

TEST(gpt2_pass, goes_backward_in_parts) {
  const gpt2_layout layout(configuration);
  const matrix parameters = random_parameters(layout), tokens = gaussian(14 * 3, 4, "tokens");
  const matrix cotangent = gaussian(4 * 3, 3, "cotangent");
  gpt2_pass<double> pass(layout, keep<double>::all);
  outputs(pass, parameters, tokens, 3, 4, {11, 12, 13, 14});
  const gradients whole = backward(pass, parameters, cotangent, {0});
  for (const std::vector<int>& begins : {std::vector{13, 12, 11, 10, 0}, {12, 0}, {10, 0}, {9, 4, 0}}) {
    const gradients parts = backward(pass, parameters, cotangent, begins);
    EXPECT_TRUE(close(parts.parameters, whole.parameters, 1e-11));
    EXPECT_TRUE(close(parts.tokens, whole.tokens, 1e-12));
  }
}

TEST(gpt2_pass, refuses_what_it_was_not_made_for) {
  const gpt2_layout layout(configuration);
  gpt2_pass<double> pass(layout, keep<double>::all);
  EXPECT_THROW(pass.start(0, 4, 1), precondition_error);
  EXPECT_THROW(pass.start(1, 12, 1), precondition_error) << "six examples";
  EXPECT_THROW(pass.start(1, 3, 1), precondition_error) << "half an example";
  EXPECT_THROW(pass.start(1, 4, 5), precondition_error) << "beyond the last position";
  pass.start(1, 4, 1);
  const std::vector<double> parameters(layout.size());
  std::vector<double> gradient(layout.size());
  EXPECT_THROW(pass.forward(parameters, 1, 2), precondition_error) << "token 0 is missing";
  EXPECT_THROW(pass.forward(gradient, 0, 6), precondition_error);
  EXPECT_THROW(pass.start_backward({}), precondition_error) << "nothing went forward";
}

}  // namespace
}  // namespace cotscale
