// Sums over rows, by the definition of their order.
#include "../src/nn/row_sums.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <random>
#include <vector>

namespace cotscale {
namespace {

constexpr std::size_t most = 100;

template<class T>
std::vector<T> drawn(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 engine(seed);
  std::normal_distribution<double> normal;
  std::vector<T> x(count);
  for (T& value : x) value = static_cast<T>(normal(engine));
  return x;
}

template<class T>
T sum_of(const std::vector<T>& x) {
  return nn::detail::sum_of_row<T>(static_cast<int>(x.size()), [&](auto at) { return at(x.data()); });
}

// Whole sixteens lane by lane, the rest into the last lanes, and the lanes in pairs; fewer than sixteen in order.
template<class T>
T sum_by_definition(const std::vector<T>& x) {
  T few = 0;
  if (x.size() < 16) {
    for (const T value : x) few += value;
    return few;
  }
  std::array<T, 16> lanes{};
  const std::size_t rest = x.size() % 16, whole = x.size() - rest;
  for (std::size_t j = 0; j < whole; ++j) lanes.at(j % 16) += x[j];
  for (std::size_t i = 0; i < rest; ++i) lanes.at(16 - rest + i) += x[whole + i];
  for (std::size_t half = 8; half > 0; half /= 2) {
    for (std::size_t i = 0; i < half; ++i) lanes.at(i) += lanes.at(i + half);
  }
  return lanes[0];
}

template<class T>
class row_sums : public testing::Test {};
using precisions = testing::Types<float, double>;
TYPED_TEST_SUITE(row_sums, precisions);

TYPED_TEST(row_sums, have_the_bits_of_their_definition) {
  using T = TypeParam;
  for (std::size_t count = 0; count <= most; ++count) {
    const std::vector<T> x = drawn<T>(count, count);
    EXPECT_EQ(sum_of(x), sum_by_definition(x)) << count;
  }
}

TYPED_TEST(row_sums, are_right_of_products) {
  using T = TypeParam;
  for (std::size_t count = 0; count <= most; ++count) {
    const std::vector<T> x = drawn<T>(count, 1), y = drawn<T>(count, 2);
    long double exact = 0, size = 0;
    for (std::size_t j = 0; j < count; ++j) {
      const long double product = static_cast<long double>(x[j]) * y[j];
      exact += product;
      size += std::abs(product);
    }
    const T sum =
        nn::detail::sum_of_row<T>(static_cast<int>(count), [&](auto at) { return at(x.data()) * at(y.data()); });
    EXPECT_NEAR(sum, exact, 8 * std::numeric_limits<T>::epsilon() * size) << count;
  }
}

// The lanes of numbers before the rest, which are read again, count once.
TYPED_TEST(row_sums, hide_nothing_that_is_not_finite) {
  using T = TypeParam;
  for (const std::size_t count : {1U, 15U, 16U, 17U, 31U, 32U, 33U, 47U}) {
    for (std::size_t place = 0; place < count; ++place) {
      std::vector<T> x(count, 1);
      x[place] = std::numeric_limits<T>::infinity();
      EXPECT_EQ(sum_of(x), std::numeric_limits<T>::infinity()) << place << " of " << count;
      x[place] = std::numeric_limits<T>::quiet_NaN();
      EXPECT_TRUE(std::isnan(sum_of(x))) << place << " of " << count;
    }
  }
}

TYPED_TEST(row_sums, know_the_largest_of_whole_sixteens) {
  using T = TypeParam;
  for (const std::size_t count : {16U, 32U, 48U, 96U}) {
    std::vector<T> x = drawn<T>(count, count);
    EXPECT_EQ(nn::detail::largest_of_row(static_cast<int>(count), x.data()), *std::max_element(x.begin(), x.end()));
    for (std::size_t place = 0; place < count; ++place) {
      std::fill(x.begin(), x.end(), -std::numeric_limits<T>::infinity());
      x[place] = -5;
      EXPECT_EQ(nn::detail::largest_of_row(static_cast<int>(count), x.data()), -5) << place << " of " << count;
    }
  }
}

}  // namespace
}  // namespace cotscale
