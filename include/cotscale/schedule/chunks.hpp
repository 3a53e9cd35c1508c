// In which portions cells are handed out, by their estimated costs alone; pure functions.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace cotscale {

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
