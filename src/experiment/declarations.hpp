// The keys of a specification, one function a table; each is visited by reader, writer and documentation
// (config/keys.hpp).
#pragma once

#include <cstdint>

#include "cotscale/config/keys.hpp"
#include "cotscale/experiment/specification.hpp"

namespace cotscale::detail {

inline constexpr std::int64_t most_examples = 100'000'000;
inline constexpr std::int64_t most_dimensions = 20'000;  ///< unless prompts are drawn in bidiagonal form
inline constexpr std::int64_t most_isotropic_dimensions = 10'000'000;

/// `[sweep]`; without `whole` the keys that selection needs. The hardness is required where there is no spectrum,
/// unless nobody can tell, because [target] is wrong.
void sweep_keys(config::keys& k, specification& spec, bool whole, bool requires_hardness);
/// Parts of it: `name` and `seed`; `hardness`.
void name_keys(config::keys& k, specification& spec);
void hardness_keys(config::keys& k, specification& spec, bool required);

void task_keys(config::keys& k, specification& spec);
void test_keys(config::keys& k, specification& spec);
void theory_keys(config::keys& k, specification& spec);

/// `[tasks]` and `[select]`.
void tasks_keys(config::keys& k, tasks_specification& tasks, const specification& spec);
void selection_keys(config::keys& k, selection_specification& selection, int d);

/// `[target]`; `[mixtures.NAME]`.
void target_keys(config::keys& k, covariance_specification& target, const specification& spec);
void mixture_keys(config::keys& k, mixture_specification& mixture, const specification& spec);

/// `[models.NAME]`.
void model_keys(config::keys& k, model_specification& model);

/// `[[models.NAME.stages]]`: those of a training, of the architecture that the stage has already.
void stage_keys(config::keys& k, training_stage& stage);

}  // namespace cotscale::detail
