// Which weights a results file has room for.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "cotscale/config/keys.hpp"
#include "cotscale/experiment/coordinates.hpp"
#include "cotscale/experiment/specification.hpp"

namespace cotscale::detail {

/// Parameters in single precision of the models that keep theirs, as large as those of the largest n: one variable for
/// all models if their shapes are equal; else each model has its own, named MODEL.PARAMETER, with dimensions MODEL.….
std::vector<weight_variable> kept_weights(const specification& spec);

/// A model whose name stands in the names of its variables has one that the file and its description can hold.
void require_variable_names(const specification& spec, config::keys& sweep);

/// Rows of the matrices V and W in double precision; 0 if no model keeps such.
std::size_t kept_rows(const specification& spec);

/// Which of grid.weights holds the parameter `tensor` of `model`; their number if none does.
std::size_t kept_number(const coordinates& grid, const std::string& model, const std::string& tensor);

}  // namespace cotscale::detail
