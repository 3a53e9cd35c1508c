// Mixtures of candidate tasks as a specification asks for them.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "cotscale/experiment/grid.hpp"
#include "cotscale/store/selection_file.hpp"

namespace cotscale {

/// Probabilities of the candidates in a mixture for which depends_on_candidates() holds. Only `exact` depends on n.
std::vector<double> candidate_probabilities(const specification& spec, const std::string& mixture,
                                            const candidate_tasks& candidates, const covariance& target,
                                            double hardness, std::int64_t n, const std::stop_token& stop);

/// Both problems for every draw of the candidates, each valued at both solutions: what `cotscale select` stores.
selection_results select_tasks(const specification& spec, const std::stop_token& stop);

}  // namespace cotscale
