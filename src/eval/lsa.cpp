#include "cotscale/eval/lsa.hpp"

#include "cotscale/base/parallel.hpp"
#include "cotscale/base/stop.hpp"
#include "cotscale/linalg/blas.hpp"

namespace cotscale {

error_table evaluate_definition(const lsa_parameters& model, int steps, const prompt_source& source, int prompts,
                                const std::stop_token& stop) {
  const blas_threads one(1);
  error_table table = blank_errors(steps + 1, prompts);
  parallel_for(prompts, [&](int i) {
    throw_if_stopped(stop);
    thread_local prompt p;
    source.draw(static_cast<std::uint64_t>(i), p);
    const matrix estimates = roll_out_definition(model, p.x, p.y, steps);
    for (int k = 0; k <= steps; ++k) {
      double square = 0;
      for (int j = 0; j < estimates.columns(); ++j) {
        const double difference = estimates(k, j) - p.w[static_cast<std::size_t>(j)];
        square += difference * difference;
      }
      table.row(k)[static_cast<std::size_t>(i)] = square;
    }
  });
  return table;
}

}  // namespace cotscale
