// What gpt2_pass reads out after every prefix of the examples.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/model/gpt2_pass.hpp"
#include "support/gradient_check.hpp"
#include "support/matrices.hpp"
#include "support/transposed_maps.hpp"

namespace cotscale {
namespace {

using support::close;
using support::gaussian;
using support::is_gradient;

using pass = gpt2_pass<double>;

constexpr int d = 3, n = 5, weights = 4, tokens = 2 * n + weights, batch = 3;

gpt2_layout layout_of(int layers, int chain = weights) {
  return gpt2_layout({.d = d, .size = {layers, 2, 8}, .examples = n, .chain = chain});
}

// Large enough for every part to matter.
matrix random_parameters(const gpt2_layout& layout) {
  matrix out = gaussian(static_cast<int>(layout.size()), 1, "parameters");
  for (double& value : out.values()) value *= 0.4;
  return out;
}

matrix copy_of(view<const double> from) {
  matrix out(from.rows, from.columns);
  std::copy_n(from.data, out.size(), out.data());
  return out;
}

// Outputs, by token first: those of the prefixes, then those of weight tokens.
matrix outputs(pass& of, const matrix& parameters, const matrix& input, const std::vector<int>& ends = {tokens}) {
  of.start(batch, 2 * n, weights, pass::read::prefixes);
  std::copy_n(input.data(), input.size(), of.token(0).data);
  int first = 0;
  for (const int last : ends) {
    of.forward(parameters.values(), first, last);
    first = last;
  }
  matrix out((n + weights) * batch, d);
  for (int i = 0; i < n; ++i) out.set_block(i * batch, 0, copy_of(of.prefix_output(i)));
  for (int i = 0; i < weights; ++i) out.set_block((n + i) * batch, 0, copy_of(of.output(i)));
  return out;
}

// The same model with all tokens taken for weight tokens, each at the position that it had: all are read out.
matrix outputs_everywhere(const gpt2_layout& layout, const matrix& parameters, const matrix& input) {
  const gpt2_layout longer = layout_of(layout.configuration().size.layers, tokens);
  matrix moved(static_cast<int>(longer.size()), 1);
  for (std::size_t i = 0; i < layout.tensors().size(); ++i) {
    const gpt2_tensor &from = layout.tensors()[i], &to = longer.tensors()[i];
    const std::size_t behind_examples = from.name == "wpe.weight" ? std::size_t{2 * n * 8} : 0;
    std::copy_n(parameters.data() + from.offset, from.size(), moved.data() + to.offset + behind_examples);
  }
  pass all(longer, pass::keep::all);
  all.start(batch, 0, tokens);
  std::copy_n(input.data(), input.size(), all.token(0).data);
  all.forward(moved.values(), 0, tokens);
  matrix out((n + weights) * batch, d);
  for (int i = 0; i < n; ++i) out.set_block(i * batch, 0, copy_of(all.output(2 * i + 1)));
  for (int i = 0; i < weights; ++i) out.set_block((n + i) * batch, 0, copy_of(all.output(2 * n + i)));
  return out;
}

TEST(gpt2_prefixes, are_read_out_at_y_tokens_as_if_every_token_were) {
  for (const int layers : {1, 3}) {
    const gpt2_layout layout = layout_of(layers);
    const matrix parameters = random_parameters(layout), input = gaussian(tokens * batch, d + 1, "tokens");
    pass prefixes(layout, pass::keep::all);
    const matrix expected = outputs_everywhere(layout, parameters, input);
    for (const std::vector<int>& ends : {std::vector{14}, {11, 12, 13, 14}, {10, 14}, {3, 4, 14}, {1, 2, 9, 12, 14}}) {
      EXPECT_TRUE(close(outputs(prefixes, parameters, input, ends), expected, 1e-12));
    }
  }
}

struct gradients {
  matrix parameters, weight_tokens;
};

gradients backward(pass& of, const matrix& parameters, const matrix& cotangent, const std::vector<int>& begins) {
  std::copy_n(cotangent.data(), n * batch * d, of.prefix_output_bar(0).data);
  std::copy_n(cotangent.data() + n * batch * d, weights * batch * d, of.output_bar(0).data);
  gradients out{matrix(parameters.rows(), 1), {}};
  const std::vector<double> transposed = support::transposed_maps(of.layout(), parameters.values());
  of.start_backward(transposed);
  int last = tokens;
  for (const int first : begins) {
    of.backward(parameters.values(), first, last, out.parameters.values());
    last = first;
  }
  out.weight_tokens = matrix(weights * batch, d + 1);
  for (int i = 0; i < weights; ++i) out.weight_tokens.set_block(i * batch, 0, copy_of(of.token_bar(i)));
  return out;
}

TEST(gpt2_prefixes, have_the_gradient_of_what_is_read_out) {
  for (const int layers : {1, 3}) {
    const gpt2_layout layout = layout_of(layers);
    const matrix parameters = random_parameters(layout), input = gaussian(tokens * batch, d + 1, "tokens");
    const matrix cotangent = gaussian((n + weights) * batch, d, "cotangent");
    pass prefixes(layout, pass::keep::all), other(layout, pass::keep::all);
    outputs(prefixes, parameters, input);
    const gradients found = backward(prefixes, parameters, cotangent, {0});
    const auto loss = [&](const matrix& p) { return inner(cotangent, outputs(other, p, input)); };
    for (const gpt2_tensor& t : layout.tensors()) {
      matrix direction(parameters.rows(), 1);
      direction.set_block(static_cast<int>(t.offset), 0, gaussian(static_cast<int>(t.size()), 1, t.name));
      EXPECT_TRUE(is_gradient(found.parameters, loss, parameters, direction, 1e-5, 1e-6)) << t.name;
    }
    const matrix direction = gaussian(parameters.rows(), 1, "direction");
    EXPECT_FALSE(
        is_gradient(combination(1.001, found.parameters, 0, found.parameters), loss, parameters, direction, 1e-5, 1e-6))
        << "the checker can tell";
    for (const std::vector<int>& begins : {std::vector{13, 12, 11, 0}, {10, 0}, {9, 4, 3, 0}}) {
      const gradients parts = backward(prefixes, parameters, cotangent, begins);
      EXPECT_TRUE(close(parts.parameters, found.parameters, 1e-11));
      EXPECT_TRUE(close(parts.weight_tokens, found.weight_tokens, 1e-12));
    }
  }
}

TEST(gpt2_prefixes, leave_no_trace) {
  const gpt2_layout layout = layout_of(2);
  const matrix parameters = random_parameters(layout), input = gaussian(tokens * batch, d + 1, "tokens");
  pass used(layout, pass::keep::all), fresh(layout, pass::keep::all);
  outputs(used, parameters, input);
  const auto at_weights = [&](pass& of) {
    of.start(batch, 2 * n, weights);
    std::copy_n(input.data(), input.size(), of.token(0).data);
    of.forward(parameters.values(), 0, tokens);
    return copy_of(of.output(weights - 1));
  };
  EXPECT_EQ(at_weights(used), at_weights(fresh));
}

TEST(gpt2_prefixes, are_not_read_out_where_tokens_are_not_kept) {
  const gpt2_layout layout = layout_of(2);
  pass cache(layout, pass::keep::cache);
  EXPECT_THROW(cache.start(batch, 2 * n, weights, pass::read::prefixes), precondition_error);
}

}  // namespace
}  // namespace cotscale
