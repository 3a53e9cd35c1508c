#include "lsa_entries.hpp"

#include <algorithm>
#include <numeric>

#include "cotscale/model/lsa_chain.hpp"
#include "loop.hpp"

namespace cotscale::detail {
namespace {

using block = entry_run::block;

std::size_t index(int side, int row, int column) {
  return static_cast<std::size_t>(row) * static_cast<std::size_t>(side) + static_cast<std::size_t>(column);
}

// A run for every row.
void add_block(block part, int side, int row, int column, int height, int width, std::vector<entry_run>& out) {
  for (int i = row; i < row + height; ++i) {
    out.push_back({.part = part, .first = index(side, i, column), .count = static_cast<std::size_t>(width)});
  }
}

// The runs of one block as a matrix of so many rows whose first entry is number `corner` of V or W.
learning_tensor tensor_of(std::span<const entry_run> runs, std::size_t offset, int rows, std::size_t corner, int side) {
  learning_tensor out{.offset = offset, .count = free_size(runs), .outputs = rows, .inputs = rows};
  if (rows < 2) out.outputs = out.inputs = 0;
  if (out.count == static_cast<std::size_t>(rows) * static_cast<std::size_t>(rows)) return out;
  for (const entry_run& run : runs) {
    for (std::size_t i = run.first - corner; i < run.first - corner + run.count; ++i) {
      out.places.push_back(index(rows, static_cast<int>(i) / side, static_cast<int>(i) % side));
    }
  }
  return out;
}

}  // namespace

std::vector<entry_run> free_entries(const lsa_options& options, int d) {
  const lsa_rows rows{d};
  const int side = rows.count();
  const std::size_t w24 = index(side, rows.label(), rows.flag());
  std::vector<entry_run> out;
  if (options.parameters == parameter_set::full) {
    const std::size_t all = index(side, side, 0);
    out.push_back({.part = block::v, .first = 0, .count = all});
    if (options.free_w24) {
      out.push_back({.part = block::w, .first = 0, .count = all});
    } else {
      out.push_back({.part = block::w, .first = 0, .count = w24});
      out.push_back({.part = block::w, .first = w24 + 1, .count = all - w24 - 1});
    }
    return out;
  }
  add_block(block::v31, side, rows.weight(), rows.feature(), d, d, out);
  if (options.free_w13) add_block(block::w13, side, rows.feature(), rows.weight(), d, d, out);
  if (options.free_w24) add_block(block::w24, side, rows.label(), rows.flag(), 1, 1, out);
  return out;
}

std::size_t free_size(std::span<const entry_run> free) {
  return std::accumulate(free.begin(), free.end(), std::size_t{0},
                         [](std::size_t sum, const entry_run& run) { return sum + run.count; });
}

std::vector<learning_tensor> tensors_of(std::span<const entry_run> free, int d) {
  const int side = lsa_rows{d}.count();
  std::vector<learning_tensor> out;
  std::size_t offset = 0;
  for (auto first = free.begin(); first != free.end();) {
    const auto last = std::find_if(first, free.end(), [&](const entry_run& run) { return run.part != first->part; });
    const bool whole = first->part == block::v || first->part == block::w;
    const int rows = whole ? side : (first->part == block::w24 ? 1 : d);
    out.push_back(tensor_of({first, last}, offset, rows, whole ? 0 : first->first, side));
    offset += out.back().count;
    first = last;
  }
  return out;
}

std::vector<double> gathered(const lsa_parameters& p, std::span<const entry_run> free) {
  std::vector<double> out;
  out.reserve(free_size(free));
  for (const entry_run& run : free) out.insert(out.end(), run.of(p), run.of(p) + run.count);
  return out;
}

void scatter(std::span<const double> values, std::span<const entry_run> free, lsa_parameters& p) {
  const double* from = values.data();
  for (const entry_run& run : free) {
    std::copy_n(from, run.count, run.of(p));
    from += run.count;
  }
}

lsa_parameters starting_point(const lsa_options& options, int d, std::span<const entry_run> free, stream_key key) {
  if (options.initial == initial_weights::given) return options.given;
  lsa_parameters out = full_parameters({.c = options.c, .v31 = matrix(d, d)});
  if (options.initial == initial_weights::random) {
    lsa_parameters normals = out;
    fill_normal(derived_key("initial LSA weights, V", key), 0, normals.v.values());
    fill_normal(derived_key("initial LSA weights, W", key), 0, normals.w.values());
    for (const entry_run& run : free) {
      for (std::size_t i = 0; i < run.count; ++i) run.of(out)[i] = options.initial_scale * run.of(normals)[i];
    }
  }
  return out;
}

}  // namespace cotscale::detail
