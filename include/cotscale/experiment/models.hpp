// The models of a specification: the one place that knows which architectures there are.
#pragma once

#include <memory>

#include "cotscale/architecture/sequence_model.hpp"
#include "cotscale/experiment/specification.hpp"

namespace cotscale {

/// Keeps a reference to the table.
std::unique_ptr<const sequence_model> make_model(const model_specification& table);

}  // namespace cotscale
