// The tokens of prompts and of their chains.
#pragma once

#include <span>

#include "cotscale/model/gpt2_pass.hpp"
#include "cotscale/task/prompt.hpp"

namespace cotscale {

/// Begins the batch of these prompts, all with as many examples, and a chain of up to `steps`; writes their tokens x_1,
/// y_1, … and the first estimate, zero.
template<class T>
void start_prompts(std::span<const prompt> prompts, int steps, gpt2_pass<T>& pass,
                   typename gpt2_pass<T>::read where = gpt2_pass<T>::read::weights);

/// Writes weight token i ≥ 1, the estimate that was read out at the one before.
template<class T>
void write_estimate(int i, gpt2_pass<T>& pass);

/// Goes forward through a chain of so many steps, each estimate the next token.
template<class T>
void forward_chain(std::span<const T> parameters, int steps, gpt2_pass<T>& pass);

}  // namespace cotscale
