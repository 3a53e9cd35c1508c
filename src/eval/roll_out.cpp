#include "cotscale/eval/roll_out.hpp"

#include <algorithm>
#include <utility>

#include "cotscale/base/error.hpp"
#include "cotscale/base/parallel.hpp"
#include "cotscale/base/stop.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/model/pseudo_newton.hpp"

namespace cotscale {

error_table blank_errors(int rows, int prompts) {
  expects(prompts >= 1 && rows >= 1, "blank_errors: rows = {}, prompts = {}", rows, prompts);
  return {.rows = rows,
          .prompts = prompts,
          .values = std::vector<double>(static_cast<std::size_t>(rows) * static_cast<std::size_t>(prompts))};
}

void explicit_prompts::draw(std::uint64_t block, prompt_lanes& out) const {
  start_lanes(source_.dimension(), source_.examples(), source_.noise() > 0, out);
  thread_local prompt p;
  for (int lane = 0; lane < lane_count; ++lane) {
    source_.draw(block * lane_count + static_cast<std::uint64_t>(lane), p);
    put_prompt(p, lane, out);
  }
}

std::span<double> error_table::row(int i) {
  return std::span(values).subspan(static_cast<std::size_t>(i) * static_cast<std::size_t>(prompts),
                                   static_cast<std::size_t>(prompts));
}

error_table evaluate(const lane_errors& errors, int rows, const lane_source& source, int prompts,
                     const std::stop_token& stop) {
  const blas_threads one(1);  // also in a lone shard, which runs outside of a parallel region
  error_table table = blank_errors(rows, prompts);
  const int blocks = (prompts + lane_count - 1) / lane_count;
  constexpr int blocks_per_shard = 4;  // enough to be worth another thread's while
  parallel_for((blocks + blocks_per_shard - 1) / blocks_per_shard, [&](int shard) {
    prompt_lanes p;
    matrix values(rows, lane_count);
    for (int block = shard * blocks_per_shard; block < std::min(blocks, (shard + 1) * blocks_per_shard); ++block) {
      throw_if_stopped(stop);
      source.draw(static_cast<std::uint64_t>(block), p);
      errors(p, values);
      const int first = block * lane_count;
      for (int i = 0; i < rows; ++i) {
        std::copy_n(&values(i, 0), std::min(lane_count, prompts - first), table.row(i).data() + first);
      }
    }
  });
  return table;
}

lane_errors beside_exact(lane_errors chain, int rows, const matrix& exact) {
  return [chain = std::move(chain), rows, &exact](const prompt_lanes& p, matrix& errors) {
    thread_local matrix part;
    const auto at = [&](int row) { return errors.data() + static_cast<std::ptrdiff_t>(row) * lane_count; };
    part.reshape(rows, lane_count);
    chain(p, part);
    std::copy_n(part.data(), part.size(), at(0));
    part.reshape(errors.rows() - rows, lane_count);
    pseudo_newton(exact, p, part);
    std::copy_n(part.data(), part.size(), at(rows));
  };
}

}  // namespace cotscale
