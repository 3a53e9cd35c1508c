// The optimisers, by name; the list of them stands in parts.cpp.
#pragma once

#include "cotscale/train/optimizer_part.hpp"

namespace cotscale::detail {

const optimizer_part& gd_part();
const optimizer_part& sgd_part();
const optimizer_part& adam_part();
const optimizer_part& adamw_part();
const optimizer_part& muon_part();

/// Adam on `count` parameters from number `first` on, p ← keep·p before.
template<class T>
void adam_step(const optimizer_step<T>& s, double rate, double keep, std::size_t first, std::size_t count);

}  // namespace cotscale::detail
