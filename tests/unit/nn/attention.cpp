#include "cotscale/nn/attention.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "cotscale/base/error.hpp"
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

struct shape {
  int first, queries, width;
  int every = 1;
};

// One query, several blocks of them, none and some keys before; queries of some tokens only.
const std::vector<shape> shapes{{0, 1, 1},    {12, 1, 4},   {0, 2, 3},     {5, 3, 2},     {0, 17, 8},  {0, 48, 5},
                                {31, 53, 16}, {0, 101, 32}, {1, 20, 8, 2}, {7, 50, 4, 3}, {3, 1, 5, 2}};

struct heads {
  explicit heads(const shape& s)
      : every(s.every),
        q(gaussian(s.queries, s.width, "q")),
        k(gaussian(s.first + s.every * (s.queries - 1) + 1, s.width, "k")),
        v(gaussian(k.rows(), s.width, "v")) {}
  int first() const { return token(0); }
  int token(int query) const { return k.rows() - 1 - every * (q.rows() - 1 - query); }
  int every;
  matrix q, k, v;
};

struct attended {
  matrix p, out;
  view<double> probabilities(int keys) { return {p.data(), p.rows(), keys, p.columns()}; }
};

attended attend(const heads& x) {
  attended a{matrix(x.q.rows(), nn::padded_to_lanes(x.k.rows())), matrix(x.q.rows(), x.q.columns())};
  nn::attention<double>(of(x.q), of(x.k), of(x.v), x.first(), a.probabilities(x.k.rows()), of(a.out), x.every);
  return a;
}

matrix by_definition(const heads& x) {
  const int width = x.q.columns();
  matrix out(x.q.rows(), width);
  for (int t = 0; t < x.q.rows(); ++t) {
    std::vector<double> weight;
    double sum = 0;
    for (int s = 0; s <= x.token(t); ++s) {
      double score = 0;
      for (int c = 0; c < width; ++c) score += x.q(t, c) * x.k(s, c);
      weight.push_back(std::exp(score / std::sqrt(width)));
      sum += weight.back();
    }
    for (int s = 0; s <= x.token(t); ++s) {
      for (int c = 0; c < width; ++c) out(t, c) += weight[static_cast<std::size_t>(s)] / sum * x.v(s, c);
    }
  }
  return out;
}

TEST(attention, follows_its_definition) {
  for (const shape& s : shapes) {
    const heads x(s);
    EXPECT_TRUE(close(attend(x).out, by_definition(x), 1e4 * epsilon)) << s.first << ", " << s.queries;
  }
}

TEST(attention, does_not_look_ahead) {
  heads x({0, 50, 8});
  const matrix before = attend(x).out;
  for (int c = 0; c < 8; ++c) x.k(49, c) = x.v(49, c) = 100;
  const matrix after = attend(x).out;
  EXPECT_EQ(after.block(0, 0, 49, 8), before.block(0, 0, 49, 8));
  EXPECT_NE(after, before);
}

TEST(attention, survives_large_scores) {
  heads x({0, 20, 4});
  for (double& q : x.q.values()) q *= 1e4;
  const matrix out = attend(x).out;
  for (const double value : out.values()) EXPECT_LT(std::abs(value), 10);
}

TEST(attention, has_the_gradient_of_what_it_computes) {
  for (const shape& s : shapes) {
    const heads x(s);
    attended forward = attend(x);
    const matrix dout = gaussian(s.queries, s.width, "dout");
    matrix dq(s.queries, s.width), dk(x.k.rows(), s.width), dv(x.k.rows(), s.width);
    nn::attention_backward<double>(of(x.q), of(x.k), of(x.v), s.first, forward.probabilities(x.k.rows()), of(dout),
                                   of(dq), of(dk), of(dv), s.every);
    const auto agrees = [&](const matrix& gradient, matrix heads::*member) {
      const auto loss = [&](const matrix& p) {
        heads moved = x;
        moved.*member = p;
        return inner(dout, attend(moved).out);
      };
      const matrix& point = x.*member;
      return is_gradient(gradient, loss, point, gaussian(point.rows(), point.columns(), "direction"), 1e-4, 1e-6);
    };
    EXPECT_TRUE(agrees(dv, &heads::v));
    if (x.k.rows() == 1) continue;  // a lone probability is 1
    EXPECT_TRUE(agrees(dq, &heads::q)) << s.first << ", " << s.queries;
    EXPECT_TRUE(agrees(dk, &heads::k)) << s.first << ", " << s.queries;
    EXPECT_FALSE(agrees(dv, &heads::k)) << "the checker can tell";
  }
}

TEST(attention, adds_up_over_parts) {
  const heads x({0, 30, 8});
  attended whole = attend(x);
  const matrix dout = gaussian(30, 8, "dout");
  matrix dq(30, 8), dk(30, 8), dv(30, 8), dk_parts(30, 8), dv_parts(30, 8), dq_parts(30, 8);
  nn::attention_backward<double>(of(x.q), of(x.k), of(x.v), 0, whole.probabilities(30), of(dout), of(dq), of(dk),
                                 of(dv));
  for (const auto& [first, last] : std::vector<std::pair<int, int>>{{29, 30}, {10, 29}, {0, 10}}) {
    const auto queries = [&](auto values) { return values.block(first, 0, last - first, 8); };
    const auto keys = [&](auto values) { return values.block(0, 0, last, 8); };
    nn::attention_backward<double>(queries(of(x.q)), keys(of(x.k)), keys(of(x.v)), first,
                                   whole.probabilities(30).block(first, 0, last - first, last), queries(of(dout)),
                                   queries(of(dq_parts)), keys(of(dk_parts)), keys(of(dv_parts)));
  }
  EXPECT_TRUE(close(dq_parts, dq, 1e-13));
  EXPECT_TRUE(close(dk_parts, dk, 1e-13));
  EXPECT_TRUE(close(dv_parts, dv, 1e-13));
}

// In single precision, from anywhere in memory.
std::vector<float> attend_single(const heads& x, std::ptrdiff_t offset) {
  const int queries = x.q.rows(), keys = x.k.rows(), width = x.q.columns(), stride = nn::padded_to_lanes(keys);
  std::vector<float> memory(16);
  const auto place = [&](int rows, int columns) {
    memory.resize(memory.size() + static_cast<std::size_t>(rows * columns));
    return static_cast<std::ptrdiff_t>(memory.size()) - 16 - rows * columns + offset;
  };
  const auto q = place(queries, width), k = place(keys, width), v = place(keys, width), p = place(queries, stride);
  const auto out = place(queries, width), dq = place(queries, width), dk = place(keys, width), dv = place(keys, width);
  float* m = memory.data();
  std::copy(x.q.values().begin(), x.q.values().end(), m + q);
  std::copy(x.k.values().begin(), x.k.values().end(), m + k);
  std::copy(x.v.values().begin(), x.v.values().end(), m + v);
  nn::attention<float>(view<float>(m + q, queries, width), view<float>(m + k, keys, width),
                       view<float>(m + v, keys, width), x.first(), view<float>(m + p, queries, keys, stride),
                       view<float>(m + out, queries, width), x.every);
  nn::attention_backward<float>(view<float>(m + q, queries, width), view<float>(m + k, keys, width),
                                view<float>(m + v, keys, width), x.first(), view<float>(m + p, queries, keys, stride),
                                view<float>(m + out, queries, width), view<float>(m + dq, queries, width),
                                view<float>(m + dk, keys, width), view<float>(m + dv, keys, width), x.every);
  return {memory.begin() + out, memory.end() - 16 + offset};
}

TEST(attention, is_close_in_single_precision) {
  for (const shape& s : shapes) {
    const heads x(s);
    const std::vector<float> single = attend_single(x, 0);
    const matrix expected = by_definition(x);
    for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(single[i], expected.data()[i], 1e-5);
  }
}

TEST(attention, has_bits_that_do_not_depend_on_addresses) {
  for (const shape& s : shapes) {
    const heads x(s);
    const std::vector<float> first = attend_single(x, 0);
    for (const std::ptrdiff_t offset : {1, 4, 7, 15}) EXPECT_EQ(attend_single(x, offset), first) << offset;
  }
}

// One call for several heads, whose outputs stand side by side in rows, as those of a model do.
TEST(attention, of_several_heads_is_that_of_each_bit_by_bit) {
  constexpr int count = 3;
  for (const shape& s : shapes) {
    const int keys = s.first + s.every * (s.queries - 1) + 1, stride = nn::padded_to_lanes(keys), width = s.width;
    const auto drawn = [&](int rows, const char* name) { return gaussian(count * rows, width, name); };
    const matrix q = drawn(s.queries, "q"), k = drawn(keys, "k"), v = drawn(keys, "v");
    const matrix dout = gaussian(s.queries, count * width, "dout");
    matrix p(count * s.queries, stride), out(s.queries, count * width);
    matrix dq(q.rows(), width), dk(k.rows(), width), dv(k.rows(), width);
    const auto all = [&](auto& of_heads, int rows, int columns) {
      return nn::heads<double>({const_cast<double*>(of_heads.data()), rows, columns, of_heads.columns()}, count,
                               std::ptrdiff_t{rows} * of_heads.columns());
    };
    const auto beside = [&](auto& rows) {
      return nn::heads<double>({const_cast<double*>(rows.data()), s.queries, width, count * width}, count, width);
    };
    const auto queries_of = [&](auto& x) { return all(x, s.queries, width); };
    const auto keys_of = [&](auto& x) { return all(x, keys, width); };
    nn::attention<double>(queries_of(q), keys_of(k), keys_of(v), s.first, all(p, s.queries, keys), beside(out),
                          s.every);
    nn::attention_backward<double>(queries_of(q), keys_of(k), keys_of(v), s.first, all(p, s.queries, keys),
                                   beside(dout), queries_of(dq), keys_of(dk), keys_of(dv), s.every);
    for (int h = 0; h < count; ++h) {
      const auto head = [&](const matrix& x, int rows) { return x.block(h * rows, 0, rows, x.columns()); };
      heads x(s);
      x.q = head(q, s.queries), x.k = head(k, keys), x.v = head(v, keys);
      attended alone = attend(x);
      const matrix bar = dout.block(0, h * width, s.queries, width);
      matrix alone_q(s.queries, width), alone_k(keys, width), alone_v(keys, width);
      nn::attention_backward<double>(of(x.q), of(x.k), of(x.v), s.first, alone.probabilities(keys), of(bar),
                                     of(alone_q), of(alone_k), of(alone_v), s.every);
      EXPECT_EQ(out.block(0, h * width, s.queries, width), alone.out);
      EXPECT_EQ(head(p, s.queries), alone.p);
      EXPECT_EQ(head(dq, s.queries), alone_q);
      EXPECT_EQ(head(dk, keys), alone_k);
      EXPECT_EQ(head(dv, keys), alone_v);
    }
  }
}

TEST(attention, refuses_shapes_that_do_not_fit) {
  const heads x({0, 4, 2});
  matrix p(4, 16), out(4, 2);
  const view<double> probabilities(p.data(), 4, 4, 16);
  EXPECT_THROW(nn::attention<double>(of(x.q), of(x.k), of(x.v), 1, probabilities, of(out)), precondition_error);
  EXPECT_THROW(nn::attention<double>(of(x.q), of(x.k), of(x.v), 0, view<double>(p.data(), 4, 4, 5), of(out)),
               precondition_error);
  EXPECT_THROW(nn::attention<double>(of(x.q), of(x.k), of(x.v), 0, probabilities, of(out), 2), precondition_error);
}

TEST(attention, hides_no_divergence) {
  const heads x({0, 20, 16});
  for (const double broken : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    heads y = x;
    y.k(3, 5) = broken;
    const attended a = attend(y);
    double sum = 0;
    for (int t = 4; t < 20; ++t) sum += a.out(t, 0);
    EXPECT_FALSE(std::isfinite(sum)) << broken;
  }
}

}  // namespace
}  // namespace cotscale
