#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/task/weights.hpp"

namespace cotscale {

void sparse_weights::keys(config::keys& k) {
  k.value(
      {.name = "nonzero", .help = "how many coordinates of w are not 0, at most d", .example = "2", .required = true},
      nonzero, {.least = 1});
}

void sparse_weights::require_dimension(int d) const {
  if (nonzero >= 1 && nonzero <= d) return;
  throw specification_error(fmt::format("nonzero = {}: of {} weights, 1 to {} can be non-zero", nonzero, d, d));
}

void sparse_weights::shape(stream_key key, std::uint64_t index, std::span<double> w) const {
  const std::size_t d = w.size(), zeros = d - static_cast<std::size_t>(nonzero);
  std::vector<double> uniforms(zeros);
  fill_uniform(key_builder("zero weights").add(key.low).add(key.high).key(), index, uniforms);
  std::vector<std::size_t> order(d);
  std::iota(order.begin(), order.end(), std::size_t{0});
  const double scale = std::sqrt(static_cast<double>(d) / nonzero);
  for (double& value : w) value *= scale;
  for (std::size_t i = 0; i < zeros; ++i) {  // Fisher and Yates, as far as needed
    const auto other = i + static_cast<std::size_t>(uniforms[i] * static_cast<double>(d - i));
    std::swap(order[i], order[std::min(other, d - 1)]);
    w[order[i]] = 0;
  }
}

}  // namespace cotscale
