#include "cotscale/linalg/products.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "cotscale/base/error.hpp"
#include "support/matrices.hpp"

namespace cotscale {
namespace {

using support::gaussian;
using testing::AnyOf;
using testing::HasSubstr;
using testing::StartsWith;
using testing::ThrowsMessage;

template<class T>
constexpr T nan = std::numeric_limits<T>::quiet_NaN();

// A block with room behind its rows, which holds NaN: nothing may be read or written there.
template<class T>
struct block {
  block(int row_count, int column_count, int behind, const char* name)
      : rows(row_count), columns(column_count), stride(column_count + behind) {
    const matrix drawn = gaussian(rows, columns, name);
    values.assign(static_cast<std::size_t>(rows) * static_cast<std::size_t>(stride), nan<T>);
    for (int i = 0; i < rows; ++i) {
      for (int j = 0; j < columns; ++j) at(i, j) = static_cast<T>(drawn(i, j));
    }
  }
  T& at(int i, int j) {
    return values[static_cast<std::size_t>(i) * static_cast<std::size_t>(stride) + static_cast<std::size_t>(j)];
  }
  const T& at(int i, int j) const { return const_cast<block&>(*this).at(i, j); }
  T get(transpose op, int i, int j) const { return op == transpose::yes ? at(j, i) : at(i, j); }

  int rows, columns, stride;
  std::vector<T> values;
};

struct sizes {
  int rows, depth, columns;
};

template<class T>
class shaped_product_of : public testing::Test {
 public:
  // Of two summations of a row by a column, in any order, the difference is no more (Higham, section 3.5).
  static void expect_element(T got, T before, const block<T>& a, transpose op_a, int i, const block<T>& b,
                             transpose op_b, int j, int depth) {
    long double sum = before, size = std::abs(static_cast<long double>(before));
    for (int k = 0; k < depth; ++k) {
      const auto term = static_cast<long double>(a.get(op_a, i, k)) * static_cast<long double>(b.get(op_b, k, j));
      sum += term;
      size += std::abs(term);
    }
    const long double bound = (depth + 2) * std::numeric_limits<T>::epsilon() * size;
    ASSERT_LE(std::abs(static_cast<long double>(got) - sum), bound) << i << ", " << j;
  }

  static void expect_product(const sizes& s, transpose op_a, transpose op_b, int behind, bool add) {
    SCOPED_TRACE(testing::Message() << s.rows << " × " << s.depth << " × " << s.columns << ", transposed "
                                    << (op_a == transpose::yes) << (op_b == transpose::yes) << ", behind rows "
                                    << behind << ", added " << add);
    const block<T> a =
        op_a == transpose::yes ? block<T>(s.depth, s.rows, behind, "a") : block<T>(s.rows, s.depth, behind, "a");
    const block<T> b =
        op_b == transpose::yes ? block<T>(s.columns, s.depth, behind, "b") : block<T>(s.depth, s.columns, behind, "b");
    block<T> c(s.rows, s.columns, behind, "c");
    if (!add) std::fill(c.values.begin(), c.values.end(), nan<T>);
    const block<T> before = c;
    const shaped_product<T> product({.rows = s.rows,
                                     .depth = s.depth,
                                     .columns = s.columns,
                                     .stride_a = a.stride,
                                     .stride_b = b.stride,
                                     .stride_c = c.stride,
                                     .op_a = op_a,
                                     .op_b = op_b,
                                     .add = add});
    product(a.values.data(), b.values.data(), c.values.data());
    for (int i = 0; i < s.rows; ++i) {
      for (int j = 0; j < s.columns; ++j) {
        expect_element(c.at(i, j), add ? before.at(i, j) : T{0}, a, op_a, i, b, op_b, j, s.depth);
      }
      for (int j = s.columns; j < c.stride && i + 1 < s.rows; ++j)
        ASSERT_TRUE(std::isnan(c.at(i, j))) << "behind a row";
    }
  }
};

using number_types = testing::Types<float, double>;
TYPED_TEST_SUITE(shaped_product_of, number_types);

// Below, at and above the sizes of parts, and where rows stand a page apart: 1024 floats, 512 doubles.
TYPED_TEST(shaped_product_of, is_the_product_by_definition) {
  for (const sizes& s : {sizes{1, 1, 1},
                         {5, 3, 21},
                         {8, 64, 64},
                         {96, 16, 65},
                         {97, 129, 20},
                         {13, 257, 130},
                         {200, 300, 70},
                         {16, 10, 1024},
                         {12, 1024, 8},
                         {10, 40, 512}}) {
    for (const transpose op_a : {transpose::no, transpose::yes}) {
      for (const transpose op_b : {transpose::no, transpose::yes}) {
        for (const bool add : {false, true}) {
          for (const int behind : {0, 7}) this->expect_product(s, op_a, op_b, behind, add);
        }
      }
    }
  }
}

TYPED_TEST(shaped_product_of, begins_with_a_bias_and_a_residual) {
  using T = TypeParam;
  const int rows = 200, depth = 300, columns = 70;  // several parts of each
  const block<T> a(rows, depth, 0, "a"), b(depth, columns, 0, "b"), bias(1, columns, 0, "bias");
  const block<T> residual(rows, columns, 3, "residual");
  const shaped_product<T> product({.rows = rows,
                                   .depth = depth,
                                   .columns = columns,
                                   .stride_a = depth,
                                   .stride_b = columns,
                                   .stride_c = columns,
                                   .add = true});
  for (const bool with_residual : {false, true}) {
    block<T> c(rows, columns, 0, "c"), expected = c;
    for (int i = 0; i < rows; ++i) {
      for (int j = 0; j < columns; ++j) expected.at(i, j) = bias.at(0, j) + (with_residual ? residual.at(i, j) : T{0});
    }
    product(a.values.data(), b.values.data(), expected.values.data());
    std::fill(c.values.begin(), c.values.end(), nan<T>);  // whatever it was
    beginning<T> begin{.bias = bias.values.data()};
    if (with_residual)
      begin = {.bias = bias.values.data(), .residual = residual.values.data(), .stride = residual.stride};
    product(a.values.data(), b.values.data(), c.values.data(), begin);
    EXPECT_EQ(c.values, expected.values);
  }
}

TYPED_TEST(shaped_product_of, keeps_what_is_not_finite) {
  using T = TypeParam;
  const int side = 40;
  block<T> a(side, side, 0, "a");
  const block<T> b(side, side, 0, "b");
  a.at(3, 5) = nan<T>;
  a.at(7, 2) = std::numeric_limits<T>::infinity();
  block<T> c(side, side, 0, "c");
  shaped_product<T>(
      {.rows = side, .depth = side, .columns = side, .stride_a = side, .stride_b = side, .stride_c = side})(
      a.values.data(), b.values.data(), c.values.data());
  for (int j = 0; j < side; ++j) {
    EXPECT_TRUE(std::isnan(c.at(3, j)));
    EXPECT_TRUE(std::isinf(c.at(7, j)));
    EXPECT_TRUE(std::isfinite(c.at(4, j)));
  }
}

TYPED_TEST(shaped_product_of, of_no_depth_is_zero_or_what_it_began_with) {
  using T = TypeParam;
  const block<T> bias(1, 3, 0, "bias");
  block<T> c(2, 3, 0, "c");
  const product_shape shape{.rows = 2, .depth = 0, .columns = 3, .stride_b = 3, .stride_c = 3, .add = true};
  shaped_product<T>{shape}(nullptr, nullptr, c.values.data(), {.bias = bias.values.data()});
  EXPECT_EQ(c.at(1, 2), bias.at(0, 2));
  product_shape alone = shape;
  alone.add = false;
  shaped_product<T>{alone}(nullptr, nullptr, c.values.data());
  EXPECT_EQ(c.at(1, 2), T{0});
}

TYPED_TEST(shaped_product_of, refuses_shapes_that_do_not_fit) {
  using T = TypeParam;
  EXPECT_THAT(
      [] { shaped_product<T>({.rows = 2, .depth = 3, .columns = 4, .stride_a = 2, .stride_b = 4, .stride_c = 4}); },
      ThrowsMessage<precondition_error>(HasSubstr("stride 2")));
  T c[4] = {};
  EXPECT_THAT(
      [&] {
        shaped_product<T>({.rows = 2, .depth = 1, .columns = 2, .stride_a = 1, .stride_b = 2, .stride_c = 2})(
            c, c, c, {.bias = c});
      },
      ThrowsMessage<precondition_error>(HasSubstr("beginning")));
}

TYPED_TEST(shaped_product_of, transposes) {
  using T = TypeParam;
  for (const auto& [rows, columns] : {std::pair{1, 1}, {88, 16}, {17, 33}, {64, 1024}}) {
    const block<T> in(rows, columns, 5, "in");
    block<T> out(columns, rows, 3, "out");
    transpose_into<T>({in.values.data(), rows, columns, in.stride}, {out.values.data(), columns, rows, out.stride});
    for (int i = 0; i < rows; ++i) {
      for (int j = 0; j < columns; ++j) ASSERT_EQ(out.at(j, i), in.at(i, j)) << rows << ", " << columns;
    }
  }
}

TEST(products_library, is_named) { EXPECT_THAT(products_library(), AnyOf("OpenBLAS", StartsWith("LIBXSMM 1"))); }

}  // namespace
}  // namespace cotscale
