// s of the d coordinates, chosen uniformly, are N(0, d/s) each, and the others 0.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/config/part_definition.hpp"
#include "cotscale/task/weights.hpp"

namespace cotscale {
namespace weights {

class sparse final : public weight_prior {
 public:
  std::string_view word() const override { return "sparse"; }
  std::string_view help() const override {
    return "`nonzero` of the d coordinates, chosen uniformly, are N(0, d/`nonzero`) each, the others 0";
  }
  std::shared_ptr<weight_prior> clone() const override { return std::make_shared<sparse>(*this); }
  int version() const override { return 1; }
  void keys(config::keys& k) override {
    k.value(
        {.name = "nonzero", .help = "how many coordinates of w are not 0, at most d", .example = "2", .required = true},
        nonzero_, {.least = 1});
  }
  void identify(key_builder& key) const override { key.add(word()).add(nonzero_); }
  void require_dimension(int d) const override {
    if (nonzero_ <= d) return;
    throw specification_error(fmt::format("nonzero = {}: of {} weights, 1 to {} can be non-zero", nonzero_, d, d));
  }
  void shape(stream_key key, std::uint64_t index, std::span<double> w) const override;
  int degrees(int) const override { return nonzero_; }

 private:
  int nonzero_ = 1;  // s
};

void sparse::shape(stream_key key, std::uint64_t index, std::span<double> w) const {
  const std::size_t d = w.size(), zeros = d - static_cast<std::size_t>(nonzero_);
  std::vector<double> uniforms(zeros);
  fill_uniform(key_builder("zero weights").add(key.low).add(key.high).key(), index, uniforms);
  std::vector<std::size_t> order(d);
  std::iota(order.begin(), order.end(), std::size_t{0});
  const double scale = std::sqrt(static_cast<double>(d) / nonzero_);
  for (double& value : w) value *= scale;
  for (std::size_t i = 0; i < zeros; ++i) {  // Fisher and Yates, as far as needed
    const auto other = i + static_cast<std::size_t>(uniforms[i] * static_cast<double>(d - i));
    std::swap(order[i], order[std::min(other, d - 1)]);
    w[order[i]] = 0;
  }
}

}  // namespace weights

template const weight_prior& config::part<weight_prior, weights::sparse>();

}  // namespace cotscale
