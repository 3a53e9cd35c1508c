#include "trained_lsa.hpp"

#include "cotscale/eval/lsa.hpp"
#include "cotscale/model/lsa_chain.hpp"
#include "cotscale/model/pseudo_newton.hpp"
#include "tensors.hpp"

namespace cotscale::architectures {

// Below the errors stand those of the exact map, as score_errors has them.
chain_evaluation trained_lsa::evaluate(const chain_test& test, const std::stop_token& stop) const {
  chain_evaluation out;
  if (roll_out_ == roll_out_method::definition) {
    out.errors =
        evaluate_definition(in_units(parameters(), test.unit), test.steps, test.examples(), test.prompts, stop);
    const auto exact_chain = [&](const prompt_lanes& p, matrix& errors) { pseudo_newton(test.exact, p, errors); };
    const explicit_prompts source(test.examples());
    const error_table below = cotscale::evaluate(exact_chain, test.exact_rows, source, test.prompts, stop);
    out.errors.rows += test.exact_rows;
    out.errors.values.insert(out.errors.values.end(), below.values.begin(), below.values.end());
    return out;
  }
  const lsa_parameters in_own_units = slice ? lsa_parameters() : in_units(general, test.unit);
  const std::unique_ptr<lane_source> source = test.lanes();
  lane_errors chain;
  if (slice) {
    chain = [&](const prompt_lanes& p, matrix& errors) { pseudo_newton(map, p, errors); };
  } else {
    chain = [&](const prompt_lanes& p, matrix& errors) { chain_errors(in_own_units, p, errors); };
  }
  const int rows = test.steps + 1;
  out.errors =
      cotscale::evaluate(beside_exact(chain, rows, test.exact), rows + test.exact_rows, *source, test.prompts, stop);
  return out;
}

lsa_parameters trained_lsa::parameters() const {
  if (!slice) return general;
  if (slice->v31.rows() == dimension_) return full_parameters(*slice);
  const std::vector<double> diagonal(static_cast<std::size_t>(dimension_), slice->v31(0, 0));
  return full_parameters({.c = slice->c, .v31 = matrix::diagonal(diagonal)});
}

std::vector<tensor_values> trained_lsa::tensors() const { return values_of(parameters()); }

}  // namespace cotscale::architectures
