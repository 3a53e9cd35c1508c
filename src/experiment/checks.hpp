// What the tables of a specification must be together, each valid on its own.
#pragma once

#include <string>

#include "cotscale/config/keys.hpp"
#include "cotscale/config/problems.hpp"
#include "cotscale/experiment/specification.hpp"

namespace cotscale::detail {

/// The sampler of `[test]` can draw the target's features.
void require_sampler(const specification& spec, config::keys& test);

/// Nor does anything stand against the sampler "bidiagonal", where it is asked for.
void require_isotropy(const specification& spec, config::keys& test);

/// task.d is no larger than most_dimensions, or prompts are drawn in bidiagonal form.
void require_dimensions(const specification& spec, bool with_sweep, const toml::table& root,
                        config::problem_list& problems);

/// The keys of `[test]` suit the model `name`: its sampler, the length of its chains, its number of examples.
void require_testable(const std::string& name, const model_specification& model, const specification& spec,
                      config::keys& test);

/// The grid has at most 10⁸ cells and 10¹⁵ errors.
void require_countable(const specification& spec, config::keys& sweep);

/// Why the exact problem of selection cannot be asked for these prompts; empty where it can.
std::string no_exact_problem(const specification& spec);

/// The file has what `cotscale select` needs; throws specification_error, which names `source`, if it does not.
void require_selectable(const specification& spec, const std::string& source);

}  // namespace cotscale::detail
