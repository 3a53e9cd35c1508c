#include "cotscale/eval/gpt2.hpp"

#include <algorithm>
#include <limits>
#include <memory>

#include "cotscale/base/error.hpp"
#include "cotscale/base/parallel.hpp"
#include "cotscale/base/stop.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/model/gpt2_tokens.hpp"
#include "cotscale/nn/workspaces.hpp"

namespace cotscale {
namespace {

// Prompts side by side; the bits depend on it. Few, so that keys and values stay in the cache, unless loading all
// weights at every step of the chain costs more.
int prompts_per_shard(const gpt2_layout& layout) {
  constexpr std::size_t large = 4'000'000;
  return layout.size() > large ? 64 : 16;
}

struct worker {
  explicit worker(const gpt2_layout& layout) : pass(layout, gpt2_pass<float>::keep::cache) {}
  gpt2_pass<float> pass;
  std::vector<prompt> prompts;
};

// w_0 … w_steps of prompt b in rows.
void copy_estimates(const gpt2_pass<float>& pass, int b, int steps, matrix& out) {
  const int d = pass.output(0).columns;
  out.reshape(steps + 1, d);
  std::fill_n(out.data(), d, 0.0);
  for (int i = 0; i < steps; ++i) std::copy_n(pass.output(i).row(b), d, &out(i + 1, 0));
}

}  // namespace

double roll_out_bytes(const gpt2_layout& layout, double m, double steps) {
  const gpt2_configuration& c = layout.configuration();
  const double batch = prompts_per_shard(layout), tokens = 2 * m + steps, width = c.size.width;
  const double rows = std::min(gpt2_pass<float>::rows_of_chunk + batch, tokens * batch);  // of the tokens at hand
  const double cached = tokens * batch * (2 * c.size.layers * width + c.channels());
  const double at_hand = rows * (18 * width + tokens / batch), weights = steps * batch * (2 * width + c.d);
  return 4 * (cached + at_hand + weights) + 8 * batch * (c.d + 1) * m;
}

void roll_out_gpt2(const gpt2_model& model, int steps, const prompt_source& source, int prompts,
                   const chain_visitor& visit, const std::stop_token& stop) {
  const gpt2_configuration& trained = model.configuration;
  expects(steps >= 1 && trained.takes(source.examples(), steps),
          "roll_out_gpt2: m = {} and {} steps, positions for {} and {}", source.examples(), steps, trained.examples,
          trained.chain);
  expects(prompts >= 1 && source.dimension() == trained.d, "roll_out_gpt2: prompts = {}, d = {} and {}", prompts,
          source.dimension(), trained.d);
  const gpt2_layout layout(model.configuration);
  expects(model.parameters.size() == layout.size(), "roll_out_gpt2: {} parameters, not {}", model.parameters.size(),
          layout.size());
  const blas_threads one(1);  // also in a lone shard, which runs outside of a parallel region
  nn::workspaces<worker> workers([&] { return std::make_unique<worker>(layout); });
  const int per_shard = prompts_per_shard(layout);
  parallel_for((prompts + per_shard - 1) / per_shard, [&](int shard) {
    throw_if_stopped(stop);
    std::unique_ptr<worker> here = workers.take();
    const int first = shard * per_shard;
    here->prompts.resize(static_cast<std::size_t>(std::min(per_shard, prompts - first)));
    for (std::size_t b = 0; b < here->prompts.size(); ++b) {
      source.draw(static_cast<std::uint64_t>(first) + b, here->prompts[b]);
    }
    start_prompts<float>(here->prompts, steps, here->pass);
    forward_chain<float>(model.parameters, steps, here->pass);
    matrix estimates;
    for (int b = 0; b < here->pass.batch(); ++b) {
      copy_estimates(here->pass, b, steps, estimates);
      visit(first + b, here->prompts[static_cast<std::size_t>(b)], estimates);
    }
    workers.give_back(std::move(here));
  });
}

chain_evaluation evaluate_gpt2(const gpt2_model& model, const matrix& preconditioner, int steps,
                               const prompt_source& source, int prompts, const std::stop_token& stop) {
  const auto count = static_cast<std::size_t>(steps) + 1;
  chain_evaluation out{.errors = blank_errors(steps + 1, prompts),
                       .newton_slope = std::vector<double>(count, std::numeric_limits<double>::quiet_NaN()),
                       .newton_r2 = {}};
  out.newton_r2 = out.newton_slope;
  matrix newton_newton(prompts, steps), newton_step = newton_newton, step_step = newton_newton;
  const chain_visitor visit = [&](int i, const prompt& p, const matrix& estimates) {
    std::vector<double> rest(p.w.size()), label(p.y.size()), descent(p.w.size()), newton(p.w.size());
    for (int k = 0; k <= steps; ++k) {
      double square = 0;
      for (std::size_t j = 0; j < rest.size(); ++j) {
        rest[j] = p.w[j] - estimates(k, static_cast<int>(j));
        square += rest[j] * rest[j];
      }
      out.errors.row(k)[static_cast<std::size_t>(i)] = square;
      if (k == steps) break;
      multiply_transposed(1, p.x, rest, 0, label);
      for (std::size_t j = 0; j < p.noise.size(); ++j) label[j] += p.noise[j];
      multiply(1.0 / source.examples(), p.x, label, 0, descent);
      multiply(1, preconditioner, descent, 0, newton);
      for (std::size_t j = 0; j < rest.size(); ++j) {
        const double step = estimates(k + 1, static_cast<int>(j)) - estimates(k, static_cast<int>(j));
        newton_newton(i, k) += newton[j] * newton[j];
        newton_step(i, k) += newton[j] * step;
        step_step(i, k) += step * step;
      }
    }
  };
  roll_out_gpt2(model, steps, source, prompts, visit, stop);
  for (int k = 0; k < steps; ++k) {
    double nn = 0, ns = 0, ss = 0;
    for (int i = 0; i < prompts; ++i) {
      nn += newton_newton(i, k);
      ns += newton_step(i, k);
      ss += step_step(i, k);
    }
    out.newton_slope[static_cast<std::size_t>(k)] = ns / nn;
    out.newton_r2[static_cast<std::size_t>(k)] = ns * ns / (nn * ss);
  }
  return out;
}

}  // namespace cotscale
