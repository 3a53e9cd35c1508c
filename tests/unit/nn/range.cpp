// Layers whose files are compiled with -ffast-math, over the whole range of numbers: huge, tiny, not finite.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "cotscale/nn/attention.hpp"
#include "cotscale/nn/gelu.hpp"
#include "cotscale/nn/layer_norm.hpp"

namespace cotscale {
namespace {

template<class T>
struct numbers_of : testing::Test {};
using precisions = testing::Types<float, double>;

template<class T>
constexpr long double rounding = std::numeric_limits<T>::epsilon();

// ---- GELU ----

// Densely where it bends; every third of a decade from the smallest denormal number to the largest number.
template<class T>
std::vector<T> wide_range() {
  std::vector<T> x{0, -T{0}, std::numeric_limits<T>::max(), std::numeric_limits<T>::lowest(), 50, -50, 1e4, -1e4};
  for (int i = -2400; i <= 2400; ++i) x.push_back(static_cast<T>(i) / 200);
  for (T size = std::numeric_limits<T>::denorm_min(); size < std::numeric_limits<T>::max() / 3; size *= T{2.2}) {
    x.push_back(size);
    x.push_back(-size);
  }
  return x;
}

struct value_and_slope {
  long double value, slope, exponent;
};

value_and_slope exact_gelu(long double x) {
  const long double c = std::sqrt(2 / 3.14159265358979323846264338327950288L);
  const long double u = std::abs(c * (x + 0.044715L * x * x * x)), q = std::exp(-2 * u);
  const long double larger = 1 / (1 + q), smaller = q * larger;
  const long double share = x < 0 ? smaller : larger, rest = x < 0 ? larger : smaller;
  const long double bend = q == 0 ? 0 : 2 * x * share * rest * c * (1 + 3 * 0.044715L * x * x);
  return {.value = share == 0 ? 0 : x * share, .slope = share + bend, .exponent = q == 0 ? 0 : 2 * u};
}

template<class T>
class gelu_range : public numbers_of<T> {};
TYPED_TEST_SUITE(gelu_range, precisions);

TYPED_TEST(gelu_range, value_and_slope_are_right_everywhere) {
  using T = TypeParam;
  const std::vector<T> x = wide_range<T>();
  std::vector<T> y(x.size()), d(x.size(), 1), again(x.size());
  nn::gelu<T>(x, y);
  nn::gelu_backward<T>(x, d, again);
  EXPECT_EQ(again, y);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const value_and_slope exact = exact_gelu(x[i]);
    const long double relative = (10 + 3 * exact.exponent) * rounding<T>;  // e^(−2u) has the rounding of u
    EXPECT_NEAR(y[i], exact.value, relative * std::abs(exact.value) + 1e-33L) << "x = " << x[i];
    EXPECT_NEAR(d[i], exact.slope, 20 * rounding<T>) << "x = " << x[i];
    if (x[i] > 10) {
      EXPECT_EQ(y[i], x[i]);
      EXPECT_EQ(d[i], 1);
    } else if (x[i] < -10) {
      EXPECT_EQ(y[i], 0);
      EXPECT_EQ(d[i], 0);
    }
  }
}

TYPED_TEST(gelu_range, hides_no_divergence) {
  using T = TypeParam;
  const T nan = std::numeric_limits<T>::quiet_NaN(), infinity = std::numeric_limits<T>::infinity();
  for (std::size_t place = 0; place < 67; ++place) {
    std::vector<T> x(67, 1), y(67), d(67, 1), again(67);
    for (const T broken : {nan, infinity, -infinity}) {
      x[place] = broken;
      std::fill(d.begin(), d.end(), T{1});
      nn::gelu<T>(x, y);
      nn::gelu_backward<T>(x, d, again);
      EXPECT_FALSE(std::isfinite(y[place])) << broken << " at " << place;
      EXPECT_FALSE(std::isfinite(again[place])) << broken << " at " << place;
      EXPECT_FALSE(std::isfinite(d[place])) << broken << " at " << place;
    }
    EXPECT_TRUE(std::isfinite(y[(place + 1) % 67])) << "the neighbours are not concerned";
  }
}

// ---- normalisation ----

constexpr int width = 24;

template<class T>
class layer_norm_range : public numbers_of<T> {
 protected:
  std::vector<T> norm_of(std::vector<T> x) {
    std::vector<T> y(width);
    nn::layer_norm<T>({x.data(), 1, width}, gain.data(), bias.data(), &mean, &inverse, {y.data(), 1, width});
    return y;
  }
  std::vector<T> gain = std::vector<T>(width, 1), bias = std::vector<T>(width, 0);
  T mean = 0, inverse = 0;
};
TYPED_TEST_SUITE(layer_norm_range, precisions);

TYPED_TEST(layer_norm_range, is_right_at_every_size) {
  using T = TypeParam;
  for (T size = std::numeric_limits<T>::min(); size < std::numeric_limits<T>::max() / 40; size *= 7) {
    std::vector<T> x(width);
    long double sum = 0, square = 0;
    for (int j = 0; j < width; ++j) sum += x[static_cast<std::size_t>(j)] = size * static_cast<T>(j * j % 37 - 20);
    for (const T value : x) square += (value - sum / width) * (value - sum / width) / width;
    const std::vector<T> y = this->norm_of(x);
    std::vector<T> dx(width), dy(width, 0), dgain(width), dbias(width);
    dy[3] = 1;
    nn::layer_norm_backward<T>({x.data(), 1, width}, this->gain.data(), &this->mean, &this->inverse,
                               {dy.data(), 1, width}, {dx.data(), 1, width}, dgain.data(), dbias.data());
    const long double scale = 1 / std::sqrt(square + 1e-5L);
    for (std::size_t j = 0; j < x.size(); ++j) {
      const long double expected = (x[j] - sum / width) * scale;
      EXPECT_NEAR(y[j], expected, 100 * rounding<T>) << size;
      const long double other = (x[3] - sum / width) * scale;
      const long double slope = scale * ((j == 3 ? 1 : 0) - (1 + expected * other) / width);
      EXPECT_NEAR(dx[j] / scale, slope / scale, 200 * rounding<T>) << size;
    }
  }
}

TYPED_TEST(layer_norm_range, equal_numbers_are_zero_apart) {
  using T = TypeParam;
  for (const T value : {T{0}, T{1}, T{1e6}, std::numeric_limits<T>::max() / 32, std::numeric_limits<T>::denorm_min()}) {
    for (const T y : this->norm_of(std::vector<T>(width, value))) EXPECT_LT(std::abs(y), 1.5) << value;
  }
}

TYPED_TEST(layer_norm_range, hides_no_divergence) {
  using T = TypeParam;
  for (const T broken : {std::numeric_limits<T>::quiet_NaN(), std::numeric_limits<T>::infinity()}) {
    for (std::size_t place = 0; place < width; ++place) {
      std::vector<T> x(width, 1);
      x[place] = broken;
      for (const T y : this->norm_of(x)) EXPECT_FALSE(std::isfinite(y)) << broken << " at " << place;
    }
  }
}

// ---- attention ----

template<class T>
class attention_range : public numbers_of<T> {
 protected:
  // Key j is direction·(j + 1) times the first unit vector and has the value j: scores are exact, and so is the answer.
  // Of the last query, with `keys` keys; a lone query, or one of `queries`.
  T answer(T size, T direction, int keys, int queries) {
    constexpr int wide = 4;
    const auto vectors = [](int rows) { return std::vector<T>(static_cast<std::size_t>(rows * wide)); };
    std::vector<T> q = vectors(queries), k = vectors(keys), v = vectors(keys), out = vectors(queries);
    const int stride = nn::padded_to_lanes(keys);
    std::vector<T> p(static_cast<std::size_t>(queries * stride));
    for (std::size_t t = 0; t < q.size(); t += wide) q[t] = size;
    for (int j = 0; j < keys; ++j) {
      k[static_cast<std::size_t>(j * wide)] = direction * static_cast<T>(j + 1);
      v[static_cast<std::size_t>(j * wide)] = static_cast<T>(j);
    }
    nn::attention<T>({q.data(), queries, wide}, {k.data(), keys, wide}, {v.data(), keys, wide}, keys - queries,
                     {p.data(), queries, keys, stride}, {out.data(), queries, wide});
    return out[out.size() - wide];
  }
};
TYPED_TEST_SUITE(attention_range, precisions);

TYPED_TEST(attention_range, takes_the_largest_score_however_large) {
  using T = TypeParam;
  for (T size = 1000; size < std::numeric_limits<T>::max() / 1000; size *= T{7.3}) {
    for (const int keys : {1, 2, 7, 16, 17}) {
      for (const int queries : {1, keys}) {
        EXPECT_NEAR(this->answer(size, 1, keys, queries), keys - 1, 1e-30) << size << ", " << keys << " keys";
        EXPECT_NEAR(this->answer(size, -1, keys, queries), 0, 1e-30) << size << ", " << keys << " keys";
      }
    }
  }
}

TYPED_TEST(attention_range, takes_the_mean_of_equal_scores) {
  using T = TypeParam;
  for (T size = std::numeric_limits<T>::denorm_min(); size < T{1e-6} * rounding<T>; size *= T{9}) {
    for (const int keys : {1, 2, 7, 16, 17}) {
      EXPECT_NEAR(this->answer(size, 1, keys, 1), (keys - 1) / 2.0, 40 * rounding<T>) << size;
    }
  }
}

}  // namespace
}  // namespace cotscale
