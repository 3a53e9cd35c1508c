// Chains on prompts with noise of labels, and with features of every kind, against the definition of attention.
#include <gtest/gtest.h>

#include <cmath>

#include "cotscale/model/lsa.hpp"
#include "cotscale/model/lsa_chain.hpp"
#include "cotscale/model/pseudo_newton.hpp"
#include "cotscale/task/lane_sampler.hpp"
#include "reference/lsa.hpp"
#include "reference/matrix.hpp"
#include "support/distributions.hpp"

namespace cotscale {
namespace {

std::vector<prompt> eight(const prompt_distribution& distribution, int m, prompt_lanes& lanes) {
  const prompt_source source(distribution, m, {7, 8});
  std::vector<prompt> out(lane_count);
  start_lanes(distribution.dimension(), m, distribution.noise > 0, lanes);
  for (int lane = 0; lane < lane_count; ++lane) {
    prompt& p = out[static_cast<std::size_t>(lane)];
    source.draw(static_cast<std::uint64_t>(lane), p);
    put_prompt(p, lane, lanes);
  }
  return out;
}

matrix errors_by_definition(const lsa_parameters& model, const std::vector<prompt>& prompts, int steps) {
  matrix out(steps + 1, lane_count);
  for (int lane = 0; lane < lane_count; ++lane) {
    const prompt& p = prompts[static_cast<std::size_t>(lane)];
    const matrix estimates = reference::roll_out(model.v, model.w, p.x, p.y, steps);
    for (int k = 0; k <= steps; ++k) {
      for (int j = 0; j < estimates.columns(); ++j) {
        out(k, lane) += std::pow(estimates(k, j) - p.w[static_cast<std::size_t>(j)], 2);
      }
    }
  }
  return out;
}

TEST(noisy_chains, are_those_of_the_definition) {
  constexpr int steps = 3;
  for (const int d : {1, 3, 5}) {
    for (const int m : {1, 4, 9}) {
      for (const auto& [name, distribution] : support::all_distributions(d, 0.7)) {
        prompt_lanes lanes;
        const std::vector<prompt> prompts = eight(distribution, m, lanes);
        matrix errors(steps + 1, lane_count);
        const lsa_slice slice{.c = 0.8,
                              .v31 = reference::combination(0.1, support::gaussian(d, d, "v31"), 0, matrix(d, d))};
        pseudo_newton(preconditioner(slice), lanes, errors);
        const matrix of_slice = errors_by_definition(full_parameters(slice), prompts, steps);
        EXPECT_TRUE(support::close(errors, of_slice, 1e-11 * (1 + std::sqrt(reference::inner(of_slice, of_slice)))))
            << name << d << m;

        const int size = 2 * d + 2;
        const auto random = [&](const char* text) {
          return reference::combination(0.2 / size, support::gaussian(size, size, text), 0, matrix(size, size));
        };
        const lsa_parameters any{.v = random("v"), .w = random("w")};
        chain_errors(any, lanes, errors);
        const matrix of_any = errors_by_definition(any, prompts, steps);
        EXPECT_TRUE(support::close(errors, of_any, 1e-11 * (1 + std::sqrt(reference::inner(of_any, of_any)))))
            << name << d << m;
      }
    }
  }
}

}  // namespace
}  // namespace cotscale
