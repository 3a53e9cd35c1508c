#include "cotscale/task/bidiagonal.hpp"

#include <algorithm>
#include <cmath>

#include "cotscale/base/error.hpp"

namespace cotscale {
namespace {

// What the substreams of a block are for.
enum substream : std::uint64_t { beginning = 0, continuation = 1, count_of_substreams = 2 };

void add_lanes(int degrees, std::vector<double>& all) { all.insert(all.end(), lane_count, degrees); }

void make_room(int columns, bidiagonal_lanes& out) {
  out.diagonal.reshape(columns, lane_count);
  out.below.reshape(columns, lane_count);
  out.null_tail = {};
}

}  // namespace

bidiagonal_source::bidiagonal_source(int d, int m, double scale, int steps, stream_key key)
    : d_(d), m_(m), steps_(std::min({steps, d, m})), unit_(std::sqrt(scale / m)), key_(key) {
  expects(d >= 1 && m >= 1 && scale > 0 && steps >= 0, "bidiagonal_source: d = {}, m = {}, s = {}, steps = {}", d, m,
          scale, steps);
}

// Columns from `first` on, and ‖w‖² or the tail of the null space.
void bidiagonal_source::fill(std::uint64_t substream, int first, bool with_norm, bidiagonal_lanes& out) const {
  thread_local std::vector<double> degrees, chi;
  degrees.clear();
  const bool has_tail = !with_norm && m_ < d_ && !out.is_complete();
  if (with_norm) add_lanes(d_, degrees);
  if (has_tail) {
    add_lanes(d_ - m_, degrees);
    add_lanes(m_ - out.columns(), degrees);
  }
  for (int j = first; j < out.columns(); ++j) {
    add_lanes(m_ - j, degrees);
    if (j + 1 < d_) add_lanes(d_ - 1 - j, degrees);
  }
  chi.resize(degrees.size());
  fill_chi(key_, substream, degrees, chi);
  const double* next = chi.data();
  for (std::size_t lane = 0; lane < lane_count; ++lane) {
    if (with_norm) out.norm_square[lane] = next[lane] * next[lane];
    // The rest of the null vector is that of a Gaussian matrix (d − columns, m − columns): 1/(1 + tail) is Beta.
    if (has_tail) out.null_tail[lane] = std::pow(next[lane_count + lane] / next[lane], 2);
  }
  next += lane_count * ((with_norm ? 1 : 0) + (has_tail ? 2 : 0));
  for (int j = first; j < out.columns(); ++j) {
    for (int lane = 0; lane < lane_count; ++lane) out.diagonal(j, lane) = unit_ * *next++;
    for (int lane = 0; lane < lane_count; ++lane) out.below(j, lane) = j + 1 < d_ ? unit_ * *next++ : 0;
  }
}

void bidiagonal_source::draw(std::uint64_t block, bidiagonal_lanes& out) const {
  out.dimension = d_;
  out.examples = m_;
  make_room(steps_, out);
  fill(count_of_substreams * block + beginning, 0, true, out);
}

void bidiagonal_source::draw_longer(std::uint64_t block, int count, bidiagonal_lanes& out) const {
  thread_local bidiagonal_lanes first;
  draw(block, first);
  out.dimension = d_;
  out.examples = m_;
  out.norm_square = first.norm_square;
  make_room(std::max(steps_, std::min({count, d_, m_})), out);
  std::copy_n(first.diagonal.data(), first.diagonal.size(), out.diagonal.data());
  std::copy_n(first.below.data(), first.below.size(), out.below.data());
  fill(count_of_substreams * block + continuation, steps_, false, out);
}

}  // namespace cotscale
