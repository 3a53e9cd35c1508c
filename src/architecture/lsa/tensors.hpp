// V and W as tensors that are kept and handed on; softmax attention has them too.
#pragma once

#include <vector>

#include "cotscale/architecture/sequence_model.hpp"
#include "cotscale/train/lsa.hpp"

namespace cotscale::architectures {

/// Those of a model of d dimensions.
std::vector<model_tensor> tensors_of_v_and_w(int d);

/// Their numbers, in that order.
std::vector<tensor_values> values_of(const lsa_parameters& parameters);

/// Has training begin with the problem's initial parameters, if it has any. Throws specification_error for others than
/// V and W of its dimension.
void begin_with_initial(const training_problem& problem, lsa_options& options);

}  // namespace cotscale::architectures
