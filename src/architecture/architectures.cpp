#include <array>

#include "cotscale/architecture/sequence_model.hpp"
#include "cotscale/config/part.hpp"

namespace cotscale {
namespace architectures {

// The list: a new architecture is a folder here and a line.
constexpr std::array parts{
    &config::part<sequence_model, class lsa>,
    &config::part<sequence_model, class gpt2>,
    &config::part<sequence_model, class softmax>,
};

}  // namespace architectures

std::span<const sequence_model* const> all_architectures() {
  static const auto all = config::parts_of(architectures::parts);
  return all;
}

}  // namespace cotscale
