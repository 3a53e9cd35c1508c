#include "cotscale/model/lsa_chain.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <vector>

#include "cotscale/base/error.hpp"
#include "reference/lsa.hpp"
#include "reference/matrix.hpp"
#include "support/explicit_lanes.hpp"
#include "support/gradient_check.hpp"
#include "support/matrices.hpp"

namespace cotscale {
namespace {

using support::close;
using support::epsilon;
using support::gaussian;
using support::is_gradient;

stream_key key(std::string_view name) { return key_builder(name).key(); }

covariance spectrum(int d) {
  std::vector<double> values;
  for (int j = 1; j <= d; ++j) values.push_back(1.5 / j);
  return {values, random_rotation(d, key("spectrum"))};
}

// V above W, (4d+4, 2d+2): one point to differentiate at.
lsa_parameters split(const matrix& both) {
  const int size = both.columns();
  return {.v = both.block(0, 0, size, size), .w = both.block(size, 0, size, size)};
}

matrix joined(const lsa_parameters& p) {
  matrix both(2 * p.v.rows(), p.v.columns());
  both.set_block(0, 0, p.v);
  both.set_block(p.v.rows(), 0, p.w);
  return both;
}

matrix random_weights(int d, std::string_view name, double scale = 0.3) {
  const int size = 2 * d + 2;
  return reference::combination(scale / std::sqrt(size), gaussian(2 * size, size, name), 0, matrix(2 * size, size));
}

prompt_lanes random_prompt(int d, int m) {
  return support::side_by_side(support::eight_prompts(spectrum(d), m, key("prompts")));
}

// ---- forward ----

TEST(chain_errors, are_those_of_the_definition) {
  for (const int d : {7, 1, 2, 5}) {  // the memory of the larger chain is used again
    for (const int m : {1, 3, 4, 20}) {
      const lsa_parameters p = split(random_weights(d, "weights"));
      const std::vector<prompt> prompts = support::eight_prompts(spectrum(d), m, key("prompts"));
      const prompt_lanes lanes = support::side_by_side(prompts);
      constexpr int steps = 4;
      matrix errors(steps + 1, lane_count);
      chain_errors(p, lanes, errors);
      for (int lane = 0; lane < lane_count; ++lane) {
        const prompt& one = prompts[static_cast<std::size_t>(lane)];
        const matrix plain = reference::roll_out(p.v, p.w, one.x, one.y, steps);
        const matrix blas = roll_out_definition(p, one.x, one.y, steps);
        for (int k = 0; k <= steps; ++k) {
          double expected = 0;
          double by_blas = 0;
          for (int a = 0; a < d; ++a) {
            expected += std::pow(plain(k, a) - one.w[static_cast<std::size_t>(a)], 2);
            by_blas += std::pow(blas(k, a) - one.w[static_cast<std::size_t>(a)], 2);
          }
          const double tolerance = 1e4 * epsilon * (1 + expected);
          EXPECT_NEAR(errors(k, lane), expected, tolerance) << "d = " << d << ", m = " << m << ", k = " << k;
          EXPECT_NEAR(errors(k, lane), by_blas, tolerance);
        }
      }
    }
  }
}

TEST(chain_errors, are_those_of_the_recursion_on_the_slice) {
  constexpr int d = 5;
  constexpr int steps = 12;
  const lsa_slice slice{.c = -0.7, .v31 = reference::combination(0.3, gaussian(d, d, "v31"), 0, matrix(d, d))};
  const prompt_lanes lanes = random_prompt(d, 9);
  matrix errors(steps + 1, lane_count);
  chain_errors(full_parameters(slice), lanes, errors);
  const matrix a = preconditioner(slice);
  for (int lane = 0; lane < lane_count; ++lane) {
    // u ← u − A Ŝ u, u = ŵ − w
    const matrix as = reference::product(a, gram_of_lane(1.0 / lanes.m, lanes.factor, lane));
    matrix u = reference::combination(-1, lanes.w.block(0, lane, d, 1), 0, matrix(d, 1));
    for (int k = 0; k <= steps; ++k) {
      const double expected = reference::squared_norm(u);
      EXPECT_NEAR(errors(k, lane), expected, 1e-11 * (1 + expected)) << k;
      u = reference::combination(1, u, -1, reference::product(as, u));
    }
  }
}

TEST(chain_errors, has_the_zero_estimate_alone_without_steps) {
  const prompt_lanes lanes = random_prompt(3, 2);
  matrix errors(1, lane_count);
  chain_errors(split(random_weights(3, "weights")), lanes, errors);
  for (int lane = 0; lane < lane_count; ++lane) {
    double square = 0;
    for (int a = 0; a < 3; ++a) square += lanes.w(a, lane) * lanes.w(a, lane);
    EXPECT_NEAR(errors(0, lane), square, 4 * epsilon * square);
  }
}

TEST(chain_errors, refuses_what_does_not_fit) {
  matrix errors(2, lane_count);
  matrix none;
  const prompt_lanes lanes = random_prompt(3, 2);
  EXPECT_THROW(chain_errors(split(random_weights(2, "w")), lanes, errors), precondition_error);
  EXPECT_THROW(chain_errors(split(random_weights(3, "w")), lanes, none), precondition_error);
  lsa_chain chain;
  chain.start(lanes);
  EXPECT_THROW(chain.append(matrix(7, lane_count)), precondition_error);
  EXPECT_THROW(lsa_chain().append(matrix(8, lane_count)), precondition_error);
  EXPECT_THROW(lsa_chain().apply(split(random_weights(3, "w"))), precondition_error);
}

// ---- backward ----

enum class tokens { own, constant };

// Σ_i ⟨o_i, cotangent_i⟩ over all lanes, on the model's own chain or on constant random tokens.
class chain_loss {
 public:
  chain_loss(int d, int m, int steps, tokens kind) : kind_(kind), prompt_(random_prompt(d, m)) {
    static constexpr const char* cotangents[] = {"cotangent 0", "cotangent 1", "cotangent 2", "cotangent 3"};
    static constexpr const char* constants[] = {"token 0", "token 1", "token 2", "token 3"};
    for (int i = 0; i < steps; ++i) {
      cotangents_.push_back(gaussian(2 * d + 2, lane_count, cotangents[i]));
      constants_.push_back(gaussian(2 * d + 2, lane_count, constants[i]));
    }
  }

  double operator()(const matrix& both) const {
    lsa_chain chain;
    forward(chain, split(both));
    double sum = 0;
    for (int i = 0; i < chain.length(); ++i) {
      sum += reference::inner(chain.output(i), cotangents_[static_cast<std::size_t>(i)]);
    }
    return sum;
  }

  matrix gradient(const matrix& both, bool through_tokens) const {
    lsa_chain chain;
    forward(chain, split(both));
    std::vector<matrix> bars = cotangents_;
    lsa_parameters transposed;
    transpose_into(split(both), transposed);
    lsa_gradient_sum sum;
    sum.start(prompt_.w.rows(), lane_count * chain.length());
    chain.backward(transposed, through_tokens, bars, sum);
    return joined(sum.finish());
  }
  matrix gradient(const matrix& both) const { return gradient(both, kind_ == tokens::own); }

 private:
  void forward(lsa_chain& chain, const lsa_parameters& p) const {
    chain.start(prompt_);
    for (std::size_t i = 0; i < cotangents_.size(); ++i) {
      if (i > 0) chain.append(kind_ == tokens::own ? chain.output(static_cast<int>(i) - 1) : constants_[i]);
      chain.apply(p);
    }
  }

  tokens kind_;
  prompt_lanes prompt_;
  std::vector<matrix> cotangents_;
  std::vector<matrix> constants_;
};

TEST(chain_gradient, is_the_slope_in_random_directions) {
  for (const int d : {1, 2, 3, 5, 7}) {
    for (const int m : {1, 3, 20}) {
      for (const int steps : {1, 2, 4}) {
        for (const tokens kind : {tokens::own, tokens::constant}) {
          const chain_loss loss(d, m, steps, kind);
          const matrix point = random_weights(d, "point");
          const matrix gradient = loss.gradient(point);
          for (const char* name : {"first", "second", "third"}) {
            EXPECT_TRUE(is_gradient(gradient, loss, point, random_weights(d, name), 1e-4, 1e-6))
                << "d = " << d << ", m = " << m << ", steps = " << steps << ", own tokens: " << (kind == tokens::own);
          }
        }
      }
    }
  }
}

TEST(chain_gradient, is_the_slope_in_every_coordinate) {
  const chain_loss loss(1, 2, 3, tokens::own);
  const matrix point = random_weights(1, "point");
  const matrix gradient = loss.gradient(point);
  constexpr double h = 1e-5;
  for (int i = 0; i < point.rows(); ++i) {
    for (int j = 0; j < point.columns(); ++j) {
      matrix direction(point.rows(), point.columns());
      direction(i, j) = 1;
      const double slope =
          (loss(combination(1, point, h, direction)) - loss(combination(1, point, -h, direction))) / (2 * h);
      EXPECT_NEAR(gradient(i, j), slope, 1e-7 * (1 + std::abs(slope))) << i << ", " << j;
    }
  }
}

TEST(chain_gradient, would_not_pass_if_it_were_wrong) {
  constexpr int d = 3;
  const chain_loss loss(d, 4, 3, tokens::own);
  const matrix point = random_weights(d, "point");
  const matrix right = loss.gradient(point);
  const matrix uphill = reference::combination(1 / reference::frobenius_norm(right), right, 0, right);
  const auto passes = [&](const matrix& gradient) { return is_gradient(gradient, loss, point, uphill, 1e-4, 1e-6); };
  ASSERT_TRUE(passes(right));
  EXPECT_FALSE(passes(loss.gradient(point, false))) << "nothing goes through the tokens";
  EXPECT_FALSE(passes(reference::combination(1 + 1e-5, right, 0, right)));
  lsa_parameters transposed_w = split(right);
  transposed_w.w = transposed(transposed_w.w);
  EXPECT_FALSE(passes(joined(transposed_w)));
  lsa_parameters no_v = split(right);
  no_v.v = matrix(8, 8);
  EXPECT_FALSE(passes(joined(no_v)));
  matrix one_entry = right;
  const auto larger = [](double a, double b) { return std::abs(a) < std::abs(b); };
  *std::max_element(one_entry.data(), one_entry.data() + one_entry.size(), larger) = 0;
  EXPECT_FALSE(passes(one_entry));
}

// ---- the sum of outer products ----

TEST(lsa_gradient_sum, adds_however_many_columns) {
  constexpr int d = 2;
  lsa_gradient_sum sum;
  for (const int count : {1, 3, 32, 33, 70}) {
    sum.start(d, count * lane_count);
    matrix v(6, 6);
    matrix w(6, 6);
    for (int i = 0; i < count; ++i) {
      const auto lanes = [&](const char* name) {
        return reference::combination(1.0 / (i + 1), gaussian(6, lane_count, name), 0, matrix(6, lane_count));
      };
      sum.add(lanes("o"), lanes("z"), lanes("a"), lanes("e"));
      v = reference::combination(1, v, 1, reference::product(lanes("o"), transposed(lanes("z"))));
      w = reference::combination(1, w, 1, reference::product(lanes("a"), transposed(lanes("e"))));
    }
    EXPECT_TRUE(close(sum.finish().v, v, 1e-13)) << count;
    EXPECT_TRUE(close(sum.finish().w, w, 1e-13)) << count;
  }
  sum.start(d, 0);
  EXPECT_EQ(sum.finish().v, matrix(6, 6));
}

TEST(lsa_gradient_sum, takes_more_than_it_was_told_of) {
  lsa_gradient_sum sum;
  sum.start(1, lane_count);
  const matrix ones(4, lane_count, 1);
  for (int i = 0; i < 3; ++i) sum.add(ones, ones, ones, ones);
  EXPECT_EQ(sum.finish().v, matrix(4, 4, 24));
  EXPECT_THROW(sum.start(1, 7), precondition_error);
  EXPECT_THROW(sum.start(0, 8), precondition_error);
}

}  // namespace
}  // namespace cotscale
