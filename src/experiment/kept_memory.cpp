// What a rank keeps in memory beside the cell that it computes.
#include <algorithm>
#include <cstdint>
#include <numeric>

#include "cotscale/experiment/cost_model.hpp"
#include "cotscale/experiment/stages.hpp"
#include "cotscale/experiment/verdict.hpp"

namespace cotscale {

namespace {

// What the end of a run reads of a cell, when no results wait any more: scores (experiment/verdict.hpp), intervals of
// best k.
double judged_bytes(const coordinates& grid) {
  constexpr std::size_t best = 13;
  const std::size_t k = grid.k.size();
  const std::size_t scores = std::min<std::size_t>(k, 2) + std::min<std::size_t>(k, most_compared_steps + 1) +
                             std::min<std::size_t>(k, paired_steps + 1);
  return 8.0 * static_cast<double>(grid.stage_count() * grid.m.size() * (scores + best));
}

}  // namespace

// Measured: 100,000 cells of 3 and of 21 errors took 30 and 38 MB more than 100 did.
std::uint64_t kept_bytes(const specification& spec, const coordinates& grid, std::span<const double> seconds) {
  constexpr double listed = 150;                           // a cell's, on its way from rank to rank
  constexpr double cache = 24e6;                           // at most, of each kind that cell_computer keeps
  constexpr double waiting_seconds = 0.7, waiting = 16e6;  // the worker writes after so long, or so much
  const double d = matrix_side(spec), errors = static_cast<double>(grid.m.size() * grid.k.size());
  const auto cells = static_cast<double>(seconds.size());
  if (seconds.empty()) return 0;
  const auto kept = [=](double count, double numbers) { return std::min(cache, 8 * count * numbers); };
  const auto trainings = static_cast<double>(all_mixtures(spec).size() * grid.hardness.size() * grid.n.size());
  const auto tests = static_cast<double>(grid.hardness.size() * grid.repeats.size() * grid.m.size());
  const double shared = kept(trainings, d * d + 6 * errors) +
                        kept(trainings * static_cast<double>(grid.models.size()), 10 * d * d) +
                        (spec.baselines ? kept(tests, 24.0 * static_cast<double>(grid.k.size())) : 0);
  const double mean = std::accumulate(seconds.begin(), seconds.end(), 0.0) / cells;
  const double unwritten = std::min(cells, waiting_seconds / mean + 1);
  const double results = std::min(waiting, unwritten * static_cast<double>(make_schema(grid)->bytes_of_cell()));
  return static_cast<std::uint64_t>(cells * listed + shared + std::max(results, cells * judged_bytes(grid)));
}

}  // namespace cotscale
