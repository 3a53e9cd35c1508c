// w ~ N(0, I).
#include "cotscale/config/part_definition.hpp"
#include "cotscale/task/weights.hpp"

namespace cotscale {
namespace weights {

class gaussian final : public weight_prior {
 public:
  std::string_view word() const override { return "gaussian"; }
  std::string_view help() const override { return "w ~ N(0, I)"; }
  std::shared_ptr<weight_prior> clone() const override { return std::make_shared<gaussian>(*this); }
  int version() const override { return 1; }
  void identify(key_builder& key) const override { key.add(word()); }
  void shape(stream_key, std::uint64_t, std::span<double>) const override {}
  bool is_gaussian() const override { return true; }
};

}  // namespace weights

template const weight_prior& config::part<weight_prior, weights::gaussian>();

}  // namespace cotscale
