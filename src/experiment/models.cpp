#include "cotscale/experiment/models.hpp"

#include "cotscale/architecture/gpt2.hpp"
#include "cotscale/architecture/lsa.hpp"
#include "cotscale/architecture/softmax.hpp"
#include "cotscale/base/error.hpp"

namespace cotscale {

std::unique_ptr<const sequence_model> make_model(const model_specification& table) {
  switch (table.architecture) {
    case architecture_kind::gpt2:
      return make_gpt2(table.gpt2);
    case architecture_kind::softmax:
      return make_softmax({.sampled = table.sampled, .own_columns = table.own_columns});
    case architecture_kind::lsa:
      return make_lsa({.training = table.training,
                       .roll_out = table.roll_out,
                       .descent = {.c = table.c,
                                   .tolerance = table.tolerance,
                                   .max_steps = table.max_steps,
                                   .step_size = table.step_size},
                       .sampled = table.sampled});
  }
  throw precondition_error("make_model: no such architecture");
}

}  // namespace cotscale
