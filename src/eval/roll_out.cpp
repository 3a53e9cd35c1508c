#include "cotscale/eval/roll_out.hpp"

#include <algorithm>
#include <cstdint>

#include "cotscale/base/error.hpp"
#include "cotscale/base/parallel.hpp"
#include "cotscale/base/stop.hpp"
#include "cotscale/linalg/blas.hpp"

namespace cotscale {

roll_out lsa_recursion(const lsa_slice& model) {
  return [a = preconditioner(model)](const prompt& p, std::span<double> errors) {
    matrix s;
    gram(1.0 / p.x.columns(), p.x, s);
    roll_out_recursion(a, s, p.w, errors);
  };
}

roll_out lsa_definition(const lsa_parameters& model) {
  return [model](const prompt& p, std::span<double> errors) {
    const matrix estimates = roll_out_definition(model, p.x, p.y, static_cast<int>(errors.size()) - 1);
    for (std::size_t k = 0; k < errors.size(); ++k) {
      errors[k] = 0;
      for (std::size_t j = 0; j < p.w.size(); ++j) {
        const double difference = estimates(static_cast<int>(k), static_cast<int>(j)) - p.w[j];
        errors[k] += difference * difference;
      }
    }
  };
}

std::span<double> error_table::at_step(int k) {
  return std::span(values).subspan(static_cast<std::size_t>(k) * static_cast<std::size_t>(prompts),
                                   static_cast<std::size_t>(prompts));
}

error_table roll_out_errors(const roll_out& model, const prompt_source& source, int prompts, int steps,
                            const std::stop_token& stop) {
  expects(prompts >= 1 && steps >= 0, "roll_out_errors: prompts = {}, steps = {}", prompts, steps);
  const blas_threads one(1);  // also in a lone shard, which runs outside of a parallel region
  // A shard is large enough, some 0.3 ms, to be worth another thread's while; trivial cells have one.
  constexpr std::int64_t shard_numbers = 50'000;
  const std::int64_t prompt_numbers = std::int64_t{source.dimension()} * (source.examples() + steps);
  const int shard = static_cast<int>(std::clamp<std::int64_t>(shard_numbers / prompt_numbers, 1, prompts));
  error_table table{.steps = steps, .prompts = prompts, .values = {}};
  table.values.resize(static_cast<std::size_t>(steps + 1) * static_cast<std::size_t>(prompts));
  parallel_for((prompts + shard - 1) / shard, [&](int s) {
    throw_if_stopped(stop);
    prompt p;
    std::vector<double> errors(static_cast<std::size_t>(steps) + 1);
    for (int i = s * shard; i < std::min(prompts, (s + 1) * shard); ++i) {
      source.draw(static_cast<std::uint64_t>(i), p);
      model(p, errors);
      for (int k = 0; k <= steps; ++k)
        table.at_step(k)[static_cast<std::size_t>(i)] = errors[static_cast<std::size_t>(k)];
    }
  });
  return table;
}

}  // namespace cotscale
