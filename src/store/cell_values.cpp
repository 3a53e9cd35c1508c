#include "cotscale/store/cell_values.hpp"

#include <algorithm>

#include "cotscale/base/hash.hpp"

namespace cotscale {

const variable_slot& cell_values::slot_of(std::string_view name, value_type type) const {
  const variable_slot* slot = schema_ ? schema_->find(name) : nullptr;
  expects(slot != nullptr, "cell_values: there is no {}", name);
  expects(slot->declared.type == type, "cell_values: {} is of the type {}, not {}", name, name_of(slot->declared.type),
          name_of(type));
  return *slot;
}

void cell_values::enter(std::string_view dimension, std::size_t index) {
  entered_.reset();
  const std::vector<cotscale::dimension>& all = schema_->dimensions();
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& d) { return d.name == dimension; });
  if (found == all.end()) return;
  expects(index < found->length(), "cell_values: {} has {} places, not {}", dimension, found->length(), index + 1);
  entered_ = {.dimension = static_cast<std::size_t>(found - all.begin()), .index = index, .length = found->length()};
}

std::uint64_t cell_values::checksum() const {
  cotscale::checksum sum;
  if (!schema_) return sum.value();
  for (const variable_slot& slot : schema_->slots()) sum.add(bytes_of(slot));
  return sum.value();
}

}  // namespace cotscale
