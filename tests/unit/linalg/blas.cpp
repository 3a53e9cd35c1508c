#include "cotscale/linalg/blas.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/base/parallel.hpp"
#include "reference/matrix.hpp"
#include "support/matrices.hpp"
#include "support/threads.hpp"
#include "unit/linalg/awkward.hpp"

namespace cotscale {
namespace {

using support::close;
using support::epsilon;
using support::gaussian;
using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

matrix apply(transpose op, const matrix& a) { return op == transpose::yes ? reference::transposed(a) : a; }

// Two summations of a·b in any order differ by no more (Higham, Accuracy and Stability, section 3.5).
double rounding_of_product(const matrix& a, const matrix& b) {
  const double largest = reference::largest(reference::product(reference::absolute(a), reference::absolute(b)));
  return 2 * (a.columns() + 2) * epsilon * largest;
}

void expect_product(int rows, int inner_size, int columns, transpose op_a, transpose op_b) {
  const auto operand = [](transpose op, int r, int c, const char* name) {
    return op == transpose::yes ? gaussian(c, r, name) : gaussian(r, c, name);
  };
  const matrix a = operand(op_a, rows, inner_size, "a");
  const matrix b = operand(op_b, inner_size, columns, "b");
  matrix c = gaussian(rows, columns, "c");
  const matrix ab = reference::product(apply(op_a, a), apply(op_b, b));
  const matrix expected = reference::combination(-1.5, ab, 0.5, c);
  const double tolerance = 1.5 * rounding_of_product(apply(op_a, a), apply(op_b, b)) + epsilon * reference::largest(c);
  multiply(-1.5, a, op_a, b, op_b, 0.5, c);
  EXPECT_TRUE(close(c, expected, tolerance))
      << "(" << rows << ", " << inner_size << ") · (" << inner_size << ", " << columns
      << "), transposed: " << (op_a == transpose::yes) << ", " << (op_b == transpose::yes);
}

TEST(multiply, is_the_product_by_definition_at_awkward_sizes) {
  for (const int rows : sizes_from_zero) {
    for (const int inner_size : sizes_from_zero) {
      for (const int columns : sizes_from_zero) {
        for (const transpose op_a : {transpose::no, transpose::yes}) {
          for (const transpose op_b : {transpose::no, transpose::yes}) {
            expect_product(rows, inner_size, columns, op_a, op_b);
          }
        }
      }
    }
  }
}

TEST(multiply, overwrites_whatever_was_there_when_beta_is_zero) {
  for (const double left_over : {nan, infinity, 7.0}) {
    matrix c(3, 2, left_over);
    multiply(1, gaussian(3, 5, "a"), transpose::no, gaussian(5, 2, "b"), transpose::no, 0, c);
    EXPECT_EQ(c, product(gaussian(3, 5, "a"), gaussian(5, 2, "b")));
    std::vector<double> y(3, left_over);
    multiply(1, gaussian(3, 5, "a"), gaussian(5, "x"), 0, y);
    EXPECT_TRUE(std::isfinite(y[0]) && std::isfinite(y[1]) && std::isfinite(y[2]));
  }
}

TEST(multiply, passes_nan_on) {
  matrix a = matrix::identity(3);
  a(1, 2) = nan;
  const matrix c = product(a, matrix(3, 3, 0.0));
  EXPECT_TRUE(std::isnan(c(1, 0)));
  EXPECT_EQ(c(0, 0), 0);
}

TEST(multiply, says_which_shapes_do_not_fit) {
  matrix c(2, 2);
  const auto call = [&] { multiply(1, matrix(2, 3), transpose::no, matrix(4, 2), transpose::no, 0, c); };
  EXPECT_THAT(call, ThrowsMessage<precondition_error>(AllOf(HasSubstr("(2, 3)"), HasSubstr("(4, 2)"))));
  matrix wide(2, 5);
  const auto wrong_result = [&] { multiply(1, matrix(2, 3), transpose::no, matrix(3, 4), transpose::no, 0, wide); };
  EXPECT_THAT(wrong_result, ThrowsMessage<precondition_error>(HasSubstr("(2, 5)")));
  const auto wrong_transpose = [&] { multiply(1, matrix(2, 3), transpose::yes, matrix(3, 2), transpose::no, 0, c); };
  EXPECT_THROW(wrong_transpose(), precondition_error);
  EXPECT_THROW(product(matrix(2, 3), matrix(2, 3)), precondition_error);
  EXPECT_NO_THROW(multiply(1, matrix(3, 2), transpose::yes, matrix(2, 3), transpose::yes, 0, c));
}

TEST(multiply, of_a_vector_is_the_product_by_definition) {
  for (const int rows : sizes_from_zero) {
    for (const int columns : sizes) {
      const matrix a = gaussian(rows, columns, "a");
      const matrix x = gaussian(columns, 1, "x");
      matrix y = gaussian(rows, 1, "y");
      const matrix expected = reference::combination(2, reference::product(a, x), -0.25, y);
      const double tolerance = 2 * rounding_of_product(a, x) + epsilon * reference::largest(y);
      multiply(2, a, x.values(), -0.25, y.values());
      EXPECT_TRUE(close(y, expected, tolerance)) << "(" << rows << ", " << columns << ")";
    }
  }
}

TEST(multiply, of_a_vector_says_which_sizes_do_not_fit) {
  std::vector<double> two(2);
  std::vector<double> three(3);
  EXPECT_THAT([&] { multiply(1, matrix(2, 3), two, 0, two); },
              ThrowsMessage<precondition_error>(AllOf(HasSubstr("(2, 3)"), HasSubstr("of 2 and 2"))));
  EXPECT_THROW(multiply(1, matrix(2, 3), three, 0, three), precondition_error);
  EXPECT_NO_THROW(multiply(1, matrix(2, 3), three, 0, two));
}

TEST(gram, is_the_sum_over_examples_and_exactly_symmetric) {
  matrix s(4, 9, nan);  // of the wrong shape, and dirty
  for (const int d : sizes) {
    for (const int m : sizes_from_zero) {
      const matrix x = gaussian(d, m, "x");
      gram(0.3, x, s);
      EXPECT_TRUE(close(s, reference::gram(0.3, x), rounding_of_product(x, reference::transposed(x))));
      EXPECT_EQ(s, reference::transposed(s)) << "(" << d << ", " << m << ")";
    }
  }
}

TEST(norm, is_the_root_of_the_sum_of_squares) {
  for (const int size : sizes_from_zero) {
    const matrix a = gaussian(size, 3, "a");
    EXPECT_NEAR(frobenius_norm(a), reference::frobenius_norm(a), 3 * size * epsilon * reference::frobenius_norm(a));
    EXPECT_EQ(norm(a.values()), frobenius_norm(a));
  }
}

TEST(norm, neither_overflows_nor_underflows_before_its_result_does) {
  for (const double scale : {1e200, 1e-200, 1e300, 1e-300}) {
    EXPECT_NEAR(norm(std::vector<double>{3 * scale, -4 * scale}) / scale, 5, 5 * 4 * epsilon);
    EXPECT_NEAR(frobenius_norm(matrix(5, 5, scale)) / scale, 5, 5 * 25 * epsilon);
  }
}

TEST(norm, passes_on_what_is_not_finite) {
  EXPECT_TRUE(std::isnan(norm(std::vector<double>{1, nan, 2})));
  EXPECT_EQ(norm(std::vector<double>{1, -infinity, 2}), infinity);
}

TEST(inner, is_the_sum_of_the_products) {
  for (const int size : sizes_from_zero) {
    const matrix a = gaussian(size, 3, "a");
    const matrix b = gaussian(size, 3, "b");
    const double scale = reference::inner(reference::absolute(a), reference::absolute(b));
    EXPECT_NEAR(inner(a, b), reference::inner(a, b), 2 * 3 * size * epsilon * scale);
  }
  EXPECT_THAT([] { inner(matrix(2, 3), matrix(3, 2)); },
              ThrowsMessage<precondition_error>(AllOf(HasSubstr("(2, 3)"), HasSubstr("(3, 2)"))));
}

// Results of every routine, on matrices that OpenBLAS would share among several threads if it were let.
struct blas_results {
  matrix product, gram, vector{127, 1};
  double inner = 0;
  static blas_results compute() {
    const matrix a = gaussian(127, 131, "a");
    const matrix x = gaussian(131, 1, "x");
    blas_results out;
    out.product = cotscale::product(a, transposed(a));
    cotscale::gram(1, a, out.gram);
    multiply(1, a, x.values(), 0, out.vector.values());
    out.inner = cotscale::inner(a, a);
    return out;
  }
};

TEST(blas_threads, of_one_makes_bits_independent_of_the_number_of_openmp_threads) {
  // Within a parallel region BLAS never makes threads of its own.
  std::array<blas_results, 2> within_parallel_for;
  {
    const support::thread_scope scope(2);
    parallel_for(2, [&](int i) { within_parallel_for.at(static_cast<std::size_t>(i)) = blas_results::compute(); });
  }
  for (const int threads : {1, 2, 3, 4}) {
    const support::thread_scope scope(threads);
    const blas_threads one(1);
    const blas_results found = blas_results::compute();
    for (const blas_results& expected : within_parallel_for) {
      EXPECT_TRUE(found.product == expected.product) << threads << " threads";
      EXPECT_TRUE(found.gram == expected.gram) << threads << " threads";
      EXPECT_TRUE(found.vector == expected.vector) << threads << " threads";
      EXPECT_EQ(found.inner, expected.inner) << threads << " threads";
    }
  }
}

TEST(solve_lower, inverts_the_leading_triangle) {
  for (const int s : {1, 2, 17, 65}) {
    matrix a = gaussian(s + 2, s + 3, "triangle");  // what is above and beside the triangle is not read
    matrix l(s, s);
    for (int i = 0; i < s; ++i) {
      a(i, i) = 4 * std::sqrt(s);
      for (int j = 0; j <= i; ++j) l(i, j) = a(i, j);
    }
    for (const int k : {0, 1, 2, 31}) {
      const matrix b = gaussian(k, s, "right-hand sides");
      matrix x = b;
      solve_lower(a, transpose::no, x);
      EXPECT_TRUE(close(reference::product(x, reference::transposed(l)), b, 64 * s * epsilon)) << s << ", " << k;
      x = b;
      solve_lower(a, transpose::yes, x);
      EXPECT_TRUE(close(reference::product(x, l), b, 64 * s * epsilon)) << s << ", " << k;
    }
  }
  matrix none(3, 0);
  EXPECT_NO_THROW(solve_lower(matrix(2, 2), transpose::no, none));
  matrix b(1, 3);
  EXPECT_THAT([&] { solve_lower(matrix(2, 3), transpose::no, b); },
              ThrowsMessage<precondition_error>(AllOf(HasSubstr("(2, 3)"), HasSubstr("(1, 3)"))));
}

TEST(blas_threads, leaves_the_threads_of_parallel_for_alone) {
  const support::thread_scope scope(3);
  {
    const blas_threads one(1);
    EXPECT_EQ(thread_count(), 3);
  }
  EXPECT_EQ(thread_count(), 3);
}

TEST(blas, that_was_loaded_is_the_openmp_build) {
  EXPECT_NO_THROW(require_openmp_blas());
  EXPECT_THAT(blas_configuration(), HasSubstr("OpenBLAS"));
  EXPECT_FALSE(blas_core_name().empty());
}

}  // namespace
}  // namespace cotscale
