#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <string_view>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/nn/gelu.hpp"
#include "cotscale/nn/layer_norm.hpp"
#include "cotscale/nn/linear.hpp"
#include "support/gradient_check.hpp"
#include "support/matrices.hpp"

namespace cotscale {
namespace {

using support::close;
using support::epsilon;
using support::gaussian;
using support::is_gradient;

view<double> of(matrix& a) { return {a.data(), a.rows(), a.columns()}; }
view<const double> of(const matrix& a) { return {a.data(), a.rows(), a.columns()}; }

// Difference quotients of smooth functions of O(1): truncation h² = 1e−8, rounding 1e−12.
constexpr double h = 1e-4;
constexpr double accuracy = 1e-6;

// Whether `gradient` is that of ⟨cotangent, f(point)⟩.
template<class F>
testing::AssertionResult agrees(const matrix& gradient, const F& f, const matrix& point, const matrix& cotangent) {
  const auto loss = [&](const matrix& p) { return inner(cotangent, f(p)); };
  return is_gradient(gradient, loss, point, gaussian(point.rows(), point.columns(), "direction"), h, accuracy);
}

struct shape {
  int rows, in, out;
};

const std::vector<shape> shapes{{1, 1, 1}, {2, 3, 5}, {7, 16, 13}, {37, 21, 64}};

TEST(linear, is_a_product_and_a_bias) {
  for (const auto [rows, in, out] : shapes) {
    const matrix x = gaussian(rows, in, "x"), w = gaussian(in, out, "w"), bias = gaussian(1, out, "bias");
    const matrix residual = gaussian(rows, out, "residual"), w_transposed = transposed(w);
    matrix expected = product(x, w), y(rows, out), of_transposed(rows, out), with_residual(rows, out);
    for (int r = 0; r < rows; ++r) {
      for (int j = 0; j < out; ++j) expected(r, j) += bias(0, j);
    }
    nn::linear<double>(of(x), of(w), transpose::no, bias.data(), of(y));
    nn::linear<double>(of(x), of(w_transposed), transpose::yes, bias.data(), of(of_transposed));
    nn::linear_residual<double>(of(x), of(w), bias.data(), of(residual), of(with_residual));
    EXPECT_TRUE(close(y, expected, 20 * in * epsilon));
    EXPECT_TRUE(close(of_transposed, expected, 20 * in * epsilon));
    EXPECT_TRUE(close(with_residual, combination(1, expected, 1, residual), 20 * in * epsilon));
  }
}

TEST(linear, has_the_gradient_of_what_it_computes) {
  for (const auto [rows, in, out] : shapes) {
    for (const transpose op : {transpose::no, transpose::yes}) {
      const matrix x = gaussian(rows, in, "x"), bias = gaussian(1, out, "bias"), dy = gaussian(rows, out, "dy");
      const matrix w = op == transpose::no ? gaussian(in, out, "w") : gaussian(out, in, "w");
      const auto y = [&, n = rows, m = out](const matrix& at_x, const matrix& at_w, const matrix& at_bias) {
        matrix result(n, m);
        nn::linear<double>(of(at_x), of(at_w), op, at_bias.data(), of(result));
        return result;
      };
      matrix dx(rows, in), dw(w.rows(), w.columns()), dbias(1, out);
      nn::linear_backward_input<double>(of(dy), of(w), op, 0, of(dx));
      nn::linear_backward_weights<double>(of(x), of(dy), op, of(dw), dbias.data());
      EXPECT_TRUE(agrees(
          dx, [&](const matrix& p) { return y(p, w, bias); }, x, dy));
      EXPECT_TRUE(agrees(
          dw, [&](const matrix& p) { return y(x, p, bias); }, w, dy));
      EXPECT_TRUE(agrees(
          dbias, [&](const matrix& p) { return y(x, w, p); }, bias, dy));
      matrix twice = dw, dx_twice = dx;
      nn::linear_backward_weights<double>(of(x), of(dy), op, of(twice), dbias.data());
      nn::linear_backward_input<double>(of(dy), of(w), op, 1, of(dx_twice));
      EXPECT_TRUE(close(twice, combination(2, dw, 0, dw), 1e-12)) << "gradients of weights add up";
      EXPECT_TRUE(close(dx_twice, combination(2, dx, 0, dx), 1e-12));
    }
  }
}

TEST(linear, refuses_shapes_that_do_not_fit) {
  const matrix x(2, 3), w(4, 5), bias(1, 5);
  matrix y(2, 5);
  EXPECT_THROW(nn::linear<double>(of(x), of(w), transpose::no, bias.data(), of(y)), precondition_error);
  EXPECT_THROW(nn::linear_residual<double>(of(x), of(w), bias.data(), of(x), of(y)), precondition_error);
}

// ---- normalisation ----

struct normalised {
  matrix y, mean, scale;
};

normalised norm_of(const matrix& x, const matrix& gain, const matrix& bias) {
  normalised out{matrix(x.rows(), x.columns()), matrix(1, x.rows()), matrix(1, x.rows())};
  nn::layer_norm<double>(of(x), gain.data(), bias.data(), out.mean.data(), out.scale.data(), of(out.y));
  return out;
}

TEST(layer_norm, follows_its_definition) {
  for (const auto [rows, width, unused] : shapes) {
    const matrix x = gaussian(rows, width, "x"), gain = gaussian(1, width, "gain"), bias = gaussian(1, width, "bias");
    matrix expected(rows, width);
    for (int r = 0; r < rows; ++r) {
      double mean = 0, variance = 0;
      for (int j = 0; j < width; ++j) mean += x(r, j) / width;
      for (int j = 0; j < width; ++j) variance += (x(r, j) - mean) * (x(r, j) - mean) / width;
      for (int j = 0; j < width; ++j) {
        expected(r, j) = gain(0, j) * (x(r, j) - mean) / std::sqrt(variance + 1e-5) + bias(0, j);
      }
    }
    EXPECT_TRUE(close(norm_of(x, gain, bias).y, expected, 100 * width * epsilon));
  }
}

TEST(layer_norm, has_the_gradient_of_what_it_computes) {
  for (const auto [rows, width, unused] : shapes) {
    const matrix x = gaussian(rows, width, "x"), gain = gaussian(1, width, "gain"), bias = gaussian(1, width, "bias");
    const matrix dy = gaussian(rows, width, "dy");
    const normalised forward = norm_of(x, gain, bias);
    matrix dx(rows, width), dgain(1, width), dbias(1, width);
    nn::layer_norm_backward<double>(of(x), gain.data(), forward.mean.data(), forward.scale.data(), of(dy), of(dx),
                                    dgain.data(), dbias.data());
    EXPECT_TRUE(agrees(
        dgain, [&](const matrix& p) { return norm_of(x, p, bias).y; }, gain, dy));
    EXPECT_TRUE(agrees(
        dbias, [&](const matrix& p) { return norm_of(x, gain, p).y; }, bias, dy));
    if (width == 1) continue;  // x − mean = 0
    EXPECT_TRUE(agrees(
        dx, [&](const matrix& p) { return norm_of(p, gain, bias).y; }, x, dy));
    matrix wrong = dx;
    wrong(rows - 1, 0) *= 1.01;
    EXPECT_FALSE(agrees(
        wrong, [&](const matrix& p) { return norm_of(p, gain, bias).y; }, x, dy))
        << "the checker sees a hundredth of one entry";
  }
}

// ---- GELU ----

matrix gelu_of(const matrix& x) {
  matrix y(x.rows(), x.columns());
  nn::gelu<double>(x.values(), y.values());
  return y;
}

TEST(gelu, follows_its_definition) {
  for (const int size : {1, 17, 64, 131}) {
    const matrix x = gaussian(1, size, "x");
    matrix expected(1, size);
    for (int i = 0; i < size; ++i) {
      const double v = 3 * x(0, i);
      expected(0, i) = 0.5 * v * (1 + std::tanh(std::sqrt(2 / 3.14159265358979323846) * (v + 0.044715 * v * v * v)));
    }
    EXPECT_TRUE(close(gelu_of(combination(3, x, 0, x)), expected, 100 * epsilon));
  }
}

TEST(gelu, is_zero_or_the_identity_far_out) {
  const std::vector<float> x{-1e4F, -50, 0, 50, 1e4F};
  std::vector<float> y(x.size()), d(x.size(), 1), again(x.size());
  nn::gelu<float>(x, y);
  nn::gelu_backward<float>(x, d, again);
  const std::vector<float> identity{0, 0, 0, 50, 1e4F}, slope{0, 0, 0.5, 1, 1};
  for (std::size_t i = 0; i < x.size(); ++i) {
    EXPECT_NEAR(y[i], identity[i], 1e-6F * std::abs(identity[i]) + 1e-20F);
    EXPECT_NEAR(d[i], slope[i], 1e-6F);
    EXPECT_EQ(again[i], y[i]);
  }
}

TEST(gelu, has_the_gradient_of_what_it_computes) {
  for (const int size : {1, 17, 64, 131}) {
    const matrix x = gaussian(1, size, "x"), dy = gaussian(1, size, "dy");
    matrix d = dy, y(1, size);
    nn::gelu_backward<double>(x.values(), d.values(), y.values());
    EXPECT_TRUE(agrees(d, gelu_of, x, dy));
    EXPECT_TRUE(close(y, gelu_of(x), 10 * epsilon));
    EXPECT_FALSE(agrees(dy, gelu_of, x, dy)) << "a slope of 1 is wrong";
  }
}

// ---- bits ----

// f(destination) for memory that begins at every place within a cache line.
template<class F>
void at_every_alignment(int size, F f) {
  std::vector<float> memory(static_cast<std::size_t>(size) + 16), first;
  for (std::ptrdiff_t offset = 0; offset < 16; ++offset) {
    std::fill(memory.begin(), memory.end(), 0.0F);
    f(memory.data() + offset);
    const std::vector<float> found(memory.begin() + offset, memory.begin() + offset + size);
    if (offset == 0) first = found;
    EXPECT_EQ(found, first) << "at " << offset;
  }
}

// Sums of vectors must not begin where memory does: a thread's memory is anywhere.
TEST(layer_norm, has_bits_that_do_not_depend_on_addresses) {
  constexpr int rows = 3, width = 72, size = rows * width;
  const std::vector<double> numbers = support::gaussian(4 * size, "numbers");
  at_every_alignment(5 * size, [&](float* memory) {
    std::copy(numbers.begin(), numbers.end(), memory);
    const view<float> x(memory, rows, width), dy(memory + size, rows, width), y(memory + 2 * size, rows, width);
    float* gain = memory + 3 * size;
    float *mean = memory + 4 * size, *scale = mean + rows, *dgain = scale + rows, *dbias = dgain + width;
    nn::layer_norm<float>(x, gain, gain + width, mean, scale, y);
    nn::layer_norm_backward<float>(x, gain, mean, scale, dy, y, dgain, dbias);
  });
}

TEST(gelu, has_bits_that_do_not_depend_on_addresses) {
  constexpr std::size_t size = 200;
  const std::vector<double> numbers = support::gaussian(2 * size, "numbers");
  at_every_alignment(3 * size, [&](float* memory) {
    std::copy(numbers.begin(), numbers.end(), memory);
    nn::gelu_backward<float>({memory, size}, {memory + size, size}, {memory + 2 * size, size});
  });
}

}  // namespace
}  // namespace cotscale
