// Predictions in words: where to stop a chain, and how sure that is.
#pragma once

#include <cstddef>
#include <string>

#include "cotscale/theory/prediction.hpp"

namespace cotscale::app {

/// The best k for a column of a table: "6"; "5-8" where draws do not tell these apart; "≥ 6" where longer chains than
/// the longest one might be better.
std::string shown_best_k(const chain_prediction& p);

/// The expected error at k and its standard error: "0.811 ± 0.02".
std::string shown_error(const chain_prediction& p, int k);

/// A sentence or two that a person can act on: "Stop after 6 steps: the expected error is 0.81 ± 0.01. 1 draw in 29
/// diverges …".
std::string advice(const chain_prediction& p);

/// The same for many rows: how many of each kind there are.
class advice_counts {
 public:
  void add(const chain_prediction& p);
  std::string text() const;

 private:
  std::size_t rows_ = 0, settled_ = 0, too_short_ = 0, undecided_ = 0, rare_ = 0;
};

}  // namespace cotscale::app
