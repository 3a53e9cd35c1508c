// How long cells will take, and how much memory; pure functions.
#pragma once

#include <cstdint>
#include <span>

#include "cotscale/experiment/grid.hpp"

namespace cotscale {

/// Estimated seconds of a cell on a rank, and the rank's peak of working memory in bytes.
struct cell_cost {
  double seconds = 0;
  std::uint64_t bytes = 0;
};

/// Estimates cells of one specification.
class cost_model {
 public:
  explicit cost_model(const specification& spec) : spec_(spec), sampler_(resolved_sampler(spec)) {}
  cell_cost estimate(const cell& c, int threads) const;

 private:
  cell_cost of_stage(const cell& c, int threads) const;

  const specification& spec_;
  sampler_method sampler_;
};

/// Bytes that any command needs that looks at the matrices of a specification, by d and the number of candidates alone:
/// what can be refused before the first matrix is made.
std::uint64_t least_bytes(const specification& spec);

/// Bytes that a rank keeps beside the cell that it computes: the list of cells, what cells share, results that wait to
/// be written, what the report looks at. `seconds` are the estimates of the cells.
std::uint64_t kept_bytes(const specification& spec, const coordinates& grid, std::span<const double> seconds);

}  // namespace cotscale
