#include "tensors.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "cotscale/model/lsa_chain.hpp"

namespace cotscale::architectures {

std::vector<model_tensor> tensors_of_v_and_w(int d) {
  const auto side = static_cast<std::uint64_t>(lsa_rows{d}.count());
  std::vector<model_tensor> out;
  for (const char* name : {"v", "w"}) {
    out.push_back({.name = name, .shape = {side, side}, .dimensions = {"row", "column"}});
  }
  return out;
}

std::vector<tensor_values> values_of(const lsa_parameters& parameters) {
  std::vector<tensor_values> out;
  for (const auto& [name, values] : {std::pair{"v", parameters.v.values()}, std::pair{"w", parameters.w.values()}}) {
    out.push_back({.name = name, .values = std::vector<double>(values.begin(), values.end())});
  }
  return out;
}

void begin_with_initial(const training_problem& problem, lsa_options& options) {
  if (problem.initial == nullptr) return;
  const int side = lsa_rows{problem.tasks.dimension()}.count();
  options.initial = initial_weights::given;
  options.given = {.v = matrix(side, side), .w = matrix(side, side)};
  for (const auto& [name, to] : {std::pair{"v", &options.given.v}, std::pair{"w", &options.given.w}}) {
    const std::vector<double> values = doubles_of(*problem.initial, name, to->size());
    std::copy(values.begin(), values.end(), to->data());
  }
}

}  // namespace cotscale::architectures
