// Layers over the whole range of numbers: huge, tiny, not finite. Bounds are in units in the last place.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <random>
#include <vector>

#include "../src/nn/attention_rows.hpp"
#include "cotscale/nn/attention.hpp"
#include "cotscale/nn/gelu.hpp"
#include "cotscale/nn/layer_norm.hpp"
#include "support/ulps.hpp"

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
  long double value, slope, size_of_slope;  // size: of its terms
  long double exponent, decay;              // 2|u| and e^(−2|u|)
};

value_and_slope exact_gelu(long double x) {
  const long double c = std::sqrt(2 / std::numbers::pi_v<long double>);
  const long double u = std::abs(c * (x + 0.044715L * x * x * x)), q = std::exp(-2 * u);
  const long double larger = 1 / (1 + q), smaller = q * larger;
  const long double share = x < 0 ? smaller : larger, rest = x < 0 ? larger : smaller;
  const long double bend = q == 0 ? 0 : 2 * x * share * rest * c * (1 + 3 * 0.044715L * x * x);
  return {.value = share == 0 ? 0 : x * share,
          .slope = share + bend,
          .size_of_slope = share + std::abs(bend),
          .exponent = 2 * u,
          .decay = q};
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
    const long double bound = 4 + 3 * exact.exponent;  // e^(−2|u|) has the roundings of u
    const long double counts = exact.decay * (1 + (x[i] < 0 ? -1 : 1) * bound * rounding<T>);
    if (x[i] < 0 && counts < std::numeric_limits<T>::min()) {
      EXPECT_LE(std::abs(y[i]), std::abs(x[i]) * 2 * std::numeric_limits<T>::min()) << "x = " << x[i];
    } else if (x[i] > 0 && exact.decay < rounding<T> / 8) {
      EXPECT_EQ(y[i], x[i]);
    } else {
      EXPECT_LE(support::ulps(y[i], exact.value), bound) << "x = " << x[i];
    }
    EXPECT_NEAR(d[i], exact.slope, bound * rounding<T> * exact.size_of_slope + 1000 * std::numeric_limits<T>::min())
        << "x = " << x[i];
    if (x[i] > 22) {
      EXPECT_EQ(y[i], x[i]);
      EXPECT_EQ(d[i], 1);
    } else if (x[i] < -22) {
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
    nn::attention<T>(view<T>(q.data(), queries, wide), view<T>(k.data(), keys, wide), view<T>(v.data(), keys, wide),
                     keys - queries, view<T>(p.data(), queries, keys, stride), view<T>(out.data(), queries, wide));
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

// ---- softmax of a row ----

template<class T>
class softmax_range : public numbers_of<T> {
 protected:
  static constexpr int zeros = 96;

  std::vector<T> softmax_of(T scale, std::vector<T> scores) {
    const auto count = static_cast<int>(scores.size());
    scores.resize(zeros, std::numeric_limits<T>::quiet_NaN());  // is overwritten
    nn::detail::softmax_row(scale, count, zeros, scores.data());
    return scores;
  }
};
TYPED_TEST_SUITE(softmax_range, precisions);

TYPED_TEST(softmax_range, is_right_whatever_the_spread_of_the_scores) {
  using T = TypeParam;
  std::mt19937_64 engine(1);
  for (const double spread : {1e-30, 1e-3, 1.0, 10.0, 100.0, 1e4, 1e30}) {
    std::uniform_real_distribution<double> between(-spread, spread);
    for (std::size_t count = 1; count <= 81; ++count) {
      std::vector<T> scores(count);
      for (T& s : scores) s = static_cast<T>(between(engine));
      const T scale = 0.3F, largest = *std::max_element(scores.begin(), scores.end());
      const std::vector<T> p = this->softmax_of(scale, scores);
      long double sum = 0;
      for (const T s : scores) sum += std::exp(scale * (static_cast<long double>(s) - largest));
      for (std::size_t j = 0; j < count; ++j) {
        const long double exponent = scale * (static_cast<long double>(scores[j]) - largest);
        const long double exact = std::exp(exponent) / sum, bound = 6 - 2 * exponent;
        if (std::exp(exponent * (1 - rounding<T>)) > std::numeric_limits<T>::min()) {
          EXPECT_LE(support::ulps(p[j], exact), bound) << count << " scores, spread " << spread;
        } else {
          EXPECT_LE(p[j], 2 * std::numeric_limits<T>::min()) << count << " scores, spread " << spread;
        }
      }
      EXPECT_TRUE(std::all_of(p.begin() + static_cast<std::ptrdiff_t>(count), p.end(), [](T x) { return x == 0; }));
    }
  }
}

TYPED_TEST(softmax_range, hides_nothing_that_is_not_finite) {
  using T = TypeParam;
  const T infinity = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  for (const std::size_t count : {1U, 2U, 15U, 16U, 17U, 33U, 80U}) {
    for (std::size_t place = 0; place < count; ++place) {
      for (const T broken : {nan, -nan, infinity}) {
        std::vector<T> scores(count, 1);
        scores[place] = broken;
        const std::vector<T> p = this->softmax_of(1, scores);
        EXPECT_TRUE(
            std::all_of(p.begin(), p.begin() + static_cast<std::ptrdiff_t>(count), [](T x) { return std::isnan(x); }))
            << broken << " at " << place << " of " << count;
        EXPECT_TRUE(std::all_of(p.begin() + static_cast<std::ptrdiff_t>(count), p.end(), [](T x) { return x == 0; }));
      }
    }
    const std::vector<T> none = this->softmax_of(1, std::vector<T>(count, -infinity));
    EXPECT_TRUE(std::isnan(none[0])) << "a mean of nothing";
  }
  EXPECT_EQ(this->softmax_of(1, {1, -infinity, 1})[0], T{0.5}) << "a score of −∞ is a weight of 0";
}

}  // namespace
}  // namespace cotscale
