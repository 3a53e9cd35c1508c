// How long cells will take, and in which portions they are handed out; pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cotscale/sweep/grid.hpp"

namespace cotscale {

/// Estimated seconds of a cell on a rank, and the rank's peak of working memory in bytes.
struct cell_cost {
  double seconds = 0;
  std::uint64_t bytes = 0;
};

/// Estimates cells of one specification.
class cost_model {
 public:
  explicit cost_model(const specification& spec) : spec_(spec) {}
  cell_cost estimate(const cell& c, int threads) const;

 private:
  double training_seconds(const cell& c) const;

  const specification& spec_;
};

/// Bytes that any command needs that looks at the matrices of a specification, by d and the number of candidates alone:
/// what can be refused before the first matrix is made.
std::uint64_t least_bytes(const specification& spec);

/// Bytes that a rank keeps beside the cell that it computes: the list of cells, what cells share, results that wait to
/// be written, what the report looks at. `seconds` are the estimates of the cells.
std::uint64_t kept_bytes(const specification& spec, const coordinates& grid, std::span<const double> seconds);

/// A portion of the list of cells, handed out whole.
struct chunk {
  std::size_t first = 0;
  std::size_t count = 0;
  double seconds = 0;
};

/// Indices that sort `seconds` from largest to smallest; equal ones stay in order.
std::vector<std::size_t> largest_first(std::span<const double> seconds);

/// Cuts a list of cells, largest first, into chunks: cells of less than 50 ms are bundled up to that, less towards the
/// end, so that trivial cells cost few messages and the last chunks are small.
std::vector<chunk> make_chunks(std::span<const double> seconds, int ranks);

/// When the last of `ranks` ranks ends if each takes the next chunk as soon as it is free.
double predicted_makespan(std::span<const chunk> chunks, int ranks);

}  // namespace cotscale
