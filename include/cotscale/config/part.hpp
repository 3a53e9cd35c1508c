// Parts that a list names without knowing their classes, so that a new part is a file and one line of the list.
#pragma once

#include <array>
#include <cstddef>

namespace cotscale::config {

/// The part of this class, with its defaults; it lives as long as the program. `Part` need not be complete:
///   constexpr std::array parts{&part<spectrum, class power_law>, …};   at namespace scope, in the file of the list
/// The file of the part includes config/part_definition.hpp and instantiates this function.
template<class Base, class Part>
const Base& part();

/// The parts of such a list.
template<class Base, std::size_t size>
std::array<const Base*, size> parts_of(const std::array<const Base& (*)(), size>& list) {
  std::array<const Base*, size> out;
  for (std::size_t i = 0; i < size; ++i) out[i] = &list[i]();
  return out;
}

}  // namespace cotscale::config
