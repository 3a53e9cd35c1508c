#include "cotscale/task/features.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "cotscale/base/error.hpp"
#include "cotscale/hdf5/file.hpp"
#include "cotscale/task/moments.hpp"
#include "cotscale/task/prompt.hpp"
#include "reference/matrix.hpp"
#include "support/distributions.hpp"
#include "support/monte_carlo.hpp"

namespace cotscale {
namespace {

using support::all_distributions;
using support::close;
using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr int d = 3;

std::vector<double> entries(const matrix& a) { return {a.values().begin(), a.values().end()}; }

TEST(feature_distributions, have_the_moments_that_they_say) {
  for (const auto& [name, distribution] : all_distributions(d, 0)) {
    const prompt_source source(distribution, 50, key_builder("moments").key());
    support::sample_means second(d * d), fourth(d * d);
    prompt p;
    for (std::uint64_t i = 0; i < 2000; ++i) {
      source.draw(i, p);
      matrix s(d, d), f(d, d);
      for (int e = 0; e < 50; ++e) {
        double square = 0;
        for (int a = 0; a < d; ++a) square += p.x(a, e) * p.x(a, e);
        for (int a = 0; a < d; ++a) {
          for (int b = 0; b < d; ++b) {
            s(a, b) += p.x(a, e) * p.x(b, e) / 50;
            f(a, b) += square * p.x(a, e) * p.x(b, e) / 50;
          }
        }
      }
      second.add(s.values());
      fourth.add(f.values());
    }
    EXPECT_TRUE(support::within(4, second, entries(distribution.lambda.values()))) << name;
    EXPECT_TRUE(support::within(4, fourth, entries(distribution.features->fourth_moment(distribution.lambda)))) << name;
  }
}

TEST(feature_distributions, give_the_second_moment_of_noisy_prompts) {
  constexpr int n = 6;
  for (const auto& [name, distribution] : all_distributions(d, 0.7)) {
    const prompt_source source(distribution, n, key_builder("second").key());
    support::sample_means seen(d * d);
    prompt p;
    for (std::uint64_t i = 0; i < 60'000; ++i) {
      source.draw(i, p);
      matrix xy(d, 1);
      for (int a = 0; a < d; ++a) {
        for (int e = 0; e < n; ++e) xy(a, 0) += p.x(a, e) * p.y[static_cast<std::size_t>(e)] / n;
      }
      seen.add(reference::product(xy, reference::transposed(xy)).values());
    }
    EXPECT_TRUE(support::within(4, seen, entries(moments(distribution, n).second))) << name;
  }
}

TEST(feature_distributions, have_closed_forms) {
  const covariance lambda({2, 1, 0.5});
  const auto f = [&](const feature_distribution& x) { return x.fourth_moment(lambda); };
  EXPECT_TRUE(close(f(*gaussian_features()), matrix::diagonal(std::vector<double>{15, 5.5, 2.25}), 1e-14));
  EXPECT_TRUE(close(f(*support::student_t(6)), matrix::diagonal(std::vector<double>{30, 11, 4.5}), 1e-14));
  EXPECT_TRUE(close(f(*features_named("rademacher")), matrix::diagonal(std::vector<double>{7, 3.5, 1.75}), 1e-14));
  EXPECT_FALSE(support::student_t(8)->has_finite_variance());
  EXPECT_TRUE(support::student_t(8.5)->has_finite_variance());
  EXPECT_THAT([] { support::student_t(4); }, ThrowsMessage<specification_error>(HasSubstr("degrees must be above 4")));
}

TEST(rows, have_the_moments_of_explicit_sums) {
  row_distribution x;
  x.centre = false;
  x.take(reference::combination(1, matrix::identity(2), 1, matrix(2, 2, 1)), "two rows");  // (2, 1), (1, 2)
  matrix second(2, 2, 2), fourth(2, 2, 10);
  second(0, 0) = second(1, 1) = 2.5;
  fourth(0, 0) = fourth(1, 1) = 12.5;
  EXPECT_TRUE(close(x.own_covariance().values(), second, 1e-14));
  EXPECT_TRUE(close(x.fourth_moment(x.own_covariance()), fourth, 1e-13));
  EXPECT_TRUE(
      close(x.fourth_moment(x.own_covariance().scaled(4)), reference::combination(256, fourth, 0, fourth), 1e-11))
      << "in other units";
  EXPECT_THROW(x.fourth_moment(covariance({1, 2})), specification_error) << "of another covariance";
}

TEST(rows, are_centred_and_scaled) {
  matrix rows(3, 2);
  for (int i = 0; i < 3; ++i) {
    rows(i, 0) = 5 + i;
    rows(i, 1) = 10 * i * i;
  }
  row_distribution x;
  x.scale = row_scale::unit_variance;
  x.take(rows, "rows");
  EXPECT_NEAR(x.own_covariance().values()(0, 0), 1, 1e-14);
  EXPECT_NEAR(x.own_covariance().values()(1, 1), 1, 1e-14);
  EXPECT_NEAR(x.rows()(0, 0) + x.rows()(1, 0) + x.rows()(2, 0), 0, 1e-14);
  x.scale = row_scale::trace;
  x.take(rows, "rows");
  EXPECT_NEAR(x.own_covariance().trace(), 2, 1e-14);
}

TEST(rows, refuse_what_nothing_can_be_learned_from) {
  const auto taking = [](matrix rows) { return [rows] { row_distribution().take(rows, "data.csv"); }; };
  matrix rows = support::gaussian(4, 2, "refused");
  EXPECT_THAT(taking(rows.block(0, 0, 1, 2)), ThrowsMessage<specification_error>(HasSubstr("at least 2 rows")));
  for (int i = 0; i < 4; ++i) rows(i, 1) = 7;
  EXPECT_THAT(taking(rows), ThrowsMessage<specification_error>(AllOf(HasSubstr("column 2"), HasSubstr("constant"))));
  rows(2, 0) = NAN;
  EXPECT_THAT(taking(rows),
              ThrowsMessage<specification_error>(AllOf(HasSubstr("data.csv"), HasSubstr("row 3, column 1"))));
}

TEST(rows, are_read_from_text) {
  const matrix rows = rows_of_csv("a, \"b\"\r\n1, +2\r\n\r\n-3e1,.5\n", 0, "t.csv");
  ASSERT_EQ(rows.rows(), 2);
  EXPECT_EQ(rows(0, 1), 2);
  EXPECT_EQ(rows(1, 0), -30);
  const auto reading = [](const char* text, int width) { return [=] { rows_of_csv(text, width, "t.csv"); }; };
  EXPECT_THAT(reading("1,2\n3,x\n", 2),
              ThrowsMessage<specification_error>(HasSubstr("t.csv, line 2, column 2: 'x' is no number")));
  EXPECT_THAT(reading("1,2\n3\n", 2), ThrowsMessage<specification_error>(HasSubstr("line 2: 1 values")));
  EXPECT_THAT(reading("1,2\n", 3), ThrowsMessage<specification_error>(HasSubstr("should be 3")));
  EXPECT_THAT(reading("1,2\n1,inf\n", 2), ThrowsMessage<specification_error>(HasSubstr("line 2, column 2: inf")));
}

TEST(rows, of_a_text_with_a_byte_order_mark_lose_none) {
  EXPECT_EQ(rows_of_csv("\xEF\xBB\xBF"
                        "1\n2\n3\n",
                        1, "t.csv")
                .rows(),
            3);
}

TEST(rows, have_the_random_numbers_of_their_values) {
  const matrix rows = support::gaussian(5, 2, "identity");
  const auto key_of = [](const matrix& values, bool centre) {
    row_distribution x;
    x.centre = centre;
    x.take(values, "rows");
    key_builder key("identity");
    x.identify(key);
    return key.key().low;
  };
  matrix other = rows;
  other(4, 1) = std::nextafter(other(4, 1), 10);
  EXPECT_EQ(key_of(rows, true), key_of(rows, true));
  EXPECT_NE(key_of(rows, true), key_of(other, true));
  EXPECT_NE(key_of(rows, true), key_of(rows, false));
}

TEST(rows, have_the_rank_that_they_span) {
  const auto rank_of = [](int count, bool centre, int repeated) {
    row_distribution x;
    x.centre = centre;
    matrix rows = support::gaussian(count, 5, "rank");
    for (int j = 5 - repeated; j < 5; ++j) {
      for (int i = 0; i < count; ++i) rows(i, j) = 2 * rows(i, 0) - rows(i, 1);
    }
    x.take(rows, "rows");
    return x.own_covariance().rank();
  };
  EXPECT_EQ(rank_of(50, true, 0), 5);
  EXPECT_EQ(rank_of(4, true, 0), 3);
  EXPECT_EQ(rank_of(4, false, 0), 4);
  EXPECT_EQ(rank_of(50, true, 2), 3);
}

TEST(rows, do_not_lose_a_column_in_small_units) {
  matrix rows = support::gaussian(20, 3, "units");
  for (int i = 0; i < 20; ++i) rows(i, 1) *= 1e-9;
  row_distribution x;
  EXPECT_THAT([&] { x.take(rows, "data.csv"); },
              ThrowsMessage<specification_error>(AllOf(HasSubstr("column 2"), HasSubstr("unit_variance"))));
  x.scale = row_scale::unit_variance;
  x.take(rows, "data.csv");
  EXPECT_EQ(x.own_covariance().rank(), 3);
}

TEST(rows, are_read_from_files) {
  const std::string path = testing::TempDir() + "rows_of_features.csv";
  std::ofstream(path) << "1,2\n3,5\n4,4\n";
  row_distribution x;
  x.read(path, 2);
  EXPECT_EQ(x.rows().rows(), 3);
  std::filesystem::remove(path);
  EXPECT_THROW(x.read(path, 2), io_error);
}

TEST(rows, are_read_from_hdf5) {
  const std::string path = testing::TempDir() + "rows_of_features.h5";
  {
    hdf5_file file = hdf5_file::create(path);
    file.create_dataset<double>("features", {3, 2}, 0.0);
    file.write<double>("features", std::vector<double>{1, 2, 3, 5, 4, 4});
    file.close();
  }
  row_distribution x;
  x.dataset = "features";
  x.centre = false;
  x.read(path, 2);
  EXPECT_EQ(x.rows()(1, 1), 5);
  EXPECT_THAT([&] { x.read(path, 3); }, ThrowsMessage<specification_error>(HasSubstr("2 columns, but task.d = 3")));
  x.dataset = "x";
  EXPECT_THAT([&] { x.read(path, 2); }, ThrowsMessage<specification_error>(HasSubstr("no such dataset")));
  std::filesystem::remove(path);
}

TEST(optimal_preconditioner, is_best_for_every_distribution) {
  for (const double noise : {0.0, 0.7}) {
    for (const auto& [name, distribution] : all_distributions(4, noise)) {
      const prompt_moments m = moments(distribution, 5);
      const matrix a = optimal_preconditioner(distribution, 5);
      EXPECT_TRUE(close(reference::product(a, m.second), m.mean, 1e-12)) << name << ", noise " << noise;
    }
  }
}

TEST(task_mixture, mixes_features_and_noise) {
  const auto parts = all_distributions(d, 0.3);
  const task_mixture mixture = task_mixture::of({parts[1].value, parts[3].value}, {1, 3});
  const matrix expected =
      reference::combination(0.25, moments(parts[1].value, 7).second, 0.75, moments(parts[3].value, 7).second);
  EXPECT_TRUE(close(moments(mixture, 7).second, expected, 1e-13));
  const task_mixture scaled = mixture.scaled(-4);
  EXPECT_TRUE(close(moments(scaled, 7).second, reference::combination(1.0 / 256, expected, 0, expected), 1e-15));
}

TEST(weights, have_the_identity_as_second_moment) {
  const auto sparse = weights_named("sparse", "nonzero = 2");
  support::sample_means seen(16);
  for (std::uint64_t i = 0; i < 40'000; ++i) {
    std::vector<double> w(4);
    fill_normal({3, 4}, i, w);
    sparse->shape({3, 4}, i, w);
    EXPECT_EQ(std::count(w.begin(), w.end(), 0.0), 2);
    matrix column(4, 1);
    std::copy(w.begin(), w.end(), column.data());
    seen.add(reference::product(column, reference::transposed(column)).values());
  }
  EXPECT_TRUE(support::within(4, seen, entries(matrix::identity(4))));
  EXPECT_THROW(sparse->require_dimension(1), specification_error);
}

}  // namespace
}  // namespace cotscale
