#include "cotscale/architecture/sequence_model.hpp"

#include <algorithm>
#include <functional>
#include <numeric>

#include "cotscale/base/error.hpp"

namespace cotscale {
namespace {

template<class T>
std::vector<T> values_of(std::span<const tensor_values> tensors, const std::string& name, std::size_t size) {
  const auto found =
      std::find_if(tensors.begin(), tensors.end(), [&](const tensor_values& t) { return t.name == name; });
  if (found == tensors.end()) throw specification_error(fmt::format("there is no parameter {}", name));
  return std::visit(
      [&](const auto& values) {
        if (values.size() != size) {
          throw specification_error(fmt::format("the parameter {} has {} numbers, not {}", name, values.size(), size));
        }
        std::vector<T> out(values.size());
        std::transform(values.begin(), values.end(), out.begin(), [](auto x) { return static_cast<T>(x); });
        return out;
      },
      found->values);
}

}  // namespace

std::size_t model_tensor::size() const {
  return std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>());
}

std::size_t tensor_values::size() const {
  return std::visit([](const auto& v) { return v.size(); }, values);
}

std::span<const std::int64_t> training_problem::recorded_within(std::int64_t steps) const {
  const auto last = std::upper_bound(record_steps.begin(), record_steps.end(), steps);
  return record_steps.first(static_cast<std::size_t>(last - record_steps.begin()));
}

std::vector<double> doubles_of(std::span<const tensor_values> tensors, const std::string& name, std::size_t size) {
  return values_of<double>(tensors, name, size);
}

std::vector<float> floats_of(std::span<const tensor_values> tensors, const std::string& name, std::size_t size) {
  return values_of<float>(tensors, name, size);
}

}  // namespace cotscale
