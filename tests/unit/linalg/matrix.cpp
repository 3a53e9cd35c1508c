#include "cotscale/linalg/matrix.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <vector>

#include "cotscale/base/error.hpp"
#include "reference/matrix.hpp"
#include "support/matrices.hpp"
#include "unit/linalg/awkward.hpp"

namespace cotscale {
namespace {

using support::close;
using support::epsilon;
using support::gaussian;
using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(matrix, is_row_major_and_starts_with_its_value) {
  matrix a(2, 3, 7);
  EXPECT_EQ(a.size(), 6U);
  EXPECT_THAT(a.values(), testing::Each(7));
  a(1, 0) = 5;
  EXPECT_EQ(a.data()[3], 5);
  EXPECT_THAT([] { matrix(2, -3); }, ThrowsMessage<precondition_error>(HasSubstr("(2, -3)")));
}

TEST(matrix, identity_and_diagonal_are_what_they_are_called) {
  for (const int d : sizes_from_zero) {
    EXPECT_EQ(matrix::identity(d), matrix::diagonal(std::vector<double>(static_cast<std::size_t>(d), 1.0)));
    EXPECT_EQ(trace(matrix::identity(d)), d);
    EXPECT_EQ(reference::squared_norm(matrix::identity(d)), d);
  }
  const matrix diagonal = matrix::diagonal(std::vector<double>{1, -2});
  EXPECT_THAT(diagonal.values(), testing::ElementsAre(1, 0, 0, -2));
}

TEST(matrix, blocks_are_cut_out_and_put_back) {
  const matrix a = gaussian(7, 5, "a");
  const matrix cut = a.block(2, 1, 3, 4);
  ASSERT_EQ(cut.rows(), 3);
  ASSERT_EQ(cut.columns(), 4);
  matrix b(7, 5, -9);
  b.set_block(2, 1, cut);
  for (int i = 0; i < 7; ++i) {
    for (int j = 0; j < 5; ++j) {
      const bool inside = i >= 2 && i < 5 && j >= 1;
      EXPECT_EQ(b(i, j), inside ? a(i, j) : -9) << i << ", " << j;
    }
  }
}

TEST(matrix, blocks_must_be_inside) {
  matrix a(7, 5);
  EXPECT_NO_THROW(a.block(6, 4, 1, 1));
  EXPECT_THAT([&] { a.block(6, 4, 2, 1); },
              ThrowsMessage<precondition_error>(AllOf(HasSubstr("(6, 4)"), HasSubstr("(2, 1)"), HasSubstr("(7, 5)"))));
  EXPECT_THROW(a.block(-1, 0, 1, 1), precondition_error);
  EXPECT_THROW(a.block(0, 5, 1, 1), precondition_error);
  EXPECT_THROW(a.block(0, 0, -1, 1), precondition_error);
  EXPECT_THAT([&] { a.set_block(0, 3, matrix(1, 3)); }, ThrowsMessage<precondition_error>(HasSubstr("(1, 3)")));
}

TEST(matrix, transposed_is_an_involution_that_swaps_indices) {
  const matrix a = gaussian(17, 3, "a");
  EXPECT_EQ(transposed(a), reference::transposed(a));
  EXPECT_EQ(transposed(transposed(a)), a);
}

TEST(matrix, trace_and_asymmetry_need_a_square) {
  matrix a = gaussian(3, 3, "a");
  EXPECT_EQ(trace(a), a(0, 0) + a(1, 1) + a(2, 2));
  a = combination(1, a, 1, transposed(a));
  EXPECT_EQ(asymmetry(a), 0);
  a(0, 2) += 0.5;
  EXPECT_NEAR(asymmetry(a), 0.5, 16 * epsilon);
  EXPECT_THAT([] { trace(matrix(2, 3)); }, ThrowsMessage<precondition_error>(HasSubstr("(2, 3)")));
  EXPECT_THAT([] { asymmetry(matrix(2, 3)); }, ThrowsMessage<precondition_error>(HasSubstr("(2, 3)")));
}

TEST(matrix, combination_needs_equal_shapes) {
  const matrix a = gaussian(2, 3, "a");
  const matrix b = gaussian(2, 3, "b");
  EXPECT_TRUE(close(combination(2, a, -3, b), reference::combination(2, a, -3, b), 0));
  EXPECT_THAT([&] { combination(1, a, 1, transposed(b)); },
              ThrowsMessage<precondition_error>(AllOf(HasSubstr("(2, 3)"), HasSubstr("(3, 2)"))));
}

TEST(matrix, reshape_keeps_the_memory_that_suffices) {
  matrix a(5, 5);
  const double* before = a.data();
  a.reshape(3, 8);
  EXPECT_EQ(a.data(), before);
  EXPECT_EQ(a.size(), 24U);
  EXPECT_EQ(&a(2, 7), before + 23);
}

}  // namespace
}  // namespace cotscale
