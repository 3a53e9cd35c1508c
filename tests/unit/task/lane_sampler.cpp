#include "cotscale/task/lane_sampler.hpp"

#include <gtest/gtest.h>

#include "support/distributions.hpp"
#include "support/monte_carlo.hpp"

namespace cotscale {
namespace {

constexpr double noise = 0.6;

// ‖Xε/m‖², εᵀε/m, wᵀXε/m squared, their product with tr Ŝ, (Xε/m)ᵀ Ŝ (Xε/m), ‖w‖⁴
std::vector<double> observed(const prompt_lanes& p, int lane) {
  const matrix gram = gram_of_lane(1.0 / p.m, p.factor, lane);
  double square = 0, inner = 0, length = 0, form = 0;
  for (int i = 0; i < p.w.rows(); ++i) {
    square += p.noise(i, lane) * p.noise(i, lane);
    inner += p.noise(i, lane) * p.w(i, lane);
    length += p.w(i, lane) * p.w(i, lane);
    for (int j = 0; j < p.w.rows(); ++j) form += p.noise(i, lane) * gram(i, j) * p.noise(j, lane);
  }
  const double total = p.noise_square[static_cast<std::size_t>(lane)];
  return {square, total, total * total, total * square, inner * inner, trace(gram) * square, form, length * length};
}

template<class Source>
support::sample_means sampled(const Source& draw, int blocks) {
  support::sample_means out(8);
  prompt_lanes p;
  for (int b = 0; b < blocks; ++b) {
    draw(static_cast<std::uint64_t>(b), p);
    for (int lane = 0; lane < lane_count; ++lane) out.add(observed(p, lane));
  }
  return out;
}

// Fewer, as many and more examples than dimensions; of a singular covariance too.
TEST(lane_sampler, draws_noise_without_examples_as_with_them) {
  const auto weights = weights_named("sparse", "nonzero = 2");
  for (const bool singular : {false, true}) {
    const covariance lambda =
        singular ? covariance({2, 0, 1, 0}, support::some_covariance(4).basis()) : support::some_covariance(4);
    const prompt_distribution distribution(lambda, gaussian_features(), noise, weights);
    for (const int m : {1, 3, 4, 9}) {
      const wishart_source fast(task_mixture(distribution), m, {1, 2});
      const prompt_source slow(distribution, m, {3, 4});
      const auto a = sampled([&](std::uint64_t b, prompt_lanes& p) { fast.draw(b, p); }, 4000);
      const auto e = sampled(
          [&](std::uint64_t b, prompt_lanes& p) {
            start_lanes(4, m, true, p);
            prompt one;
            for (int lane = 0; lane < lane_count; ++lane) {
              slow.draw(b * lane_count + static_cast<std::uint64_t>(lane), one);
              put_prompt(one, lane, p);
            }
          },
          4000);
      for (std::size_t i = 0; i < a.size(); ++i) {
        EXPECT_LT(std::abs(a.mean(i) - e.mean(i)), 4.5 * std::hypot(a.standard_error(i), e.standard_error(i)))
            << "observable " << i << ", m = " << m << ", singular " << singular;
      }
    }
  }
}

TEST(lane_sampler, leaves_streams_where_they_were) {
  const covariance lambda = support::some_covariance(5);
  prompt_lanes plain, noisy;
  lane_sampler(task_mixture(lambda), 7, {1, 2}).draw(3, plain);
  lane_sampler(task_mixture(prompt_distribution(lambda, gaussian_features(), noise)), 7, {1, 2}).draw(3, noisy);
  EXPECT_EQ(plain.factor.packed, noisy.factor.packed);
  EXPECT_EQ(plain.w, noisy.w);
  EXPECT_FALSE(plain.has_noise());
  lane_sampler(task_mixture(lambda), 7, {1, 2}).draw(3, noisy);
  EXPECT_FALSE(noisy.has_noise()) << "left from the block before";
  EXPECT_EQ(noisy.noise_square, plain.noise_square);
}

TEST(lane_sampler, draws_a_mixture_of_features_by_their_examples) {
  const auto parts = support::all_distributions(3, noise);
  const task_mixture mixture = task_mixture::of({parts[0].value, parts[3].value}, {1, 1});
  const lane_sampler source(mixture, 5, {1, 2});
  const mixture_source examples(mixture, 5, {1, 2});
  prompt_lanes p, expected;
  source.draw(2, p);
  start_lanes(3, 5, true, expected);
  prompt one;
  for (int lane = 0; lane < lane_count; ++lane) {
    examples.draw(16 + static_cast<std::uint64_t>(lane), one);
    put_prompt(one, lane, expected);
  }
  EXPECT_EQ(p.factor.packed, expected.factor.packed);
  EXPECT_EQ(p.noise, expected.noise);
  EXPECT_THROW(wishart_source(mixture, 5, {1, 2}), std::exception);
}

}  // namespace
}  // namespace cotscale
