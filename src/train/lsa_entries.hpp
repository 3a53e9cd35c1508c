// Which entries of V and W learn, and what they begin with.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "cotscale/base/random.hpp"
#include "cotscale/train/lsa.hpp"
#include "cotscale/train/optimizer.hpp"

namespace cotscale::detail {

/// Entries of V or W that lie one after the other.
struct entry_run {
  enum class block : std::uint8_t { v, w, v31, w13, w24 };  ///< what is looked at as one matrix
  block part;
  std::size_t first;  ///< row-major in V or W
  std::size_t count;

  bool of_w() const { return part != block::v && part != block::v31; }
  double* of(lsa_parameters& p) const { return (of_w() ? p.w : p.v).data() + first; }
  const double* of(const lsa_parameters& p) const { return (of_w() ? p.w : p.v).data() + first; }
};

/// Those that move in training, in d dimensions; those of a block follow each other.
std::vector<entry_run> free_entries(const lsa_options& options, int d);

std::size_t free_size(std::span<const entry_run> free);

/// V, W or blocks of them as matrices; W₂₄ alone is none.
std::vector<learning_tensor> tensors_of(std::span<const entry_run> free, int d);

/// The entries as one vector, and back.
std::vector<double> gathered(const lsa_parameters& p, std::span<const entry_run> free);
void scatter(std::span<const double> values, std::span<const entry_run> free, lsa_parameters& p);

/// V and W to begin with, (2d+2, 2d+2); random ones are drawn from the streams of this key.
lsa_parameters starting_point(const lsa_options& options, int d, std::span<const entry_run> free, stream_key key);

}  // namespace cotscale::detail
