// What several baselines need.
#pragma once

#include <vector>

#include "cotscale/eval/baselines.hpp"

namespace cotscale::detail {

void squared_norms(const matrix& x, double* out);

/// factor · ratio^i, i = 0 … count − 1.
std::vector<double> geometric(double factor, double ratio, int count);

/// The row, of `count` from the first on, with the least mean; the first of them if all have diverged.
int best_row(error_table& table, int count);

error_table one_row(error_table& table, int i);

/// Whether row i is the first or the last of so many.
inline bool at_edge(int i, std::size_t rows) { return i == 0 || i + 1 == static_cast<int>(rows); }

/// ‖w − ŵ‖² of least squares of minimum norm, ŵ = Ŝ⁺ Xy/m, into errors (8).
void least_squares_errors(const prompt_lanes& prompts, const baseline_setting& setting, double* errors);

/// ‖w − ŵ‖² of ridge, ŵ = (Ŝ + pI)⁻¹ Xy/m; one row of errors for each penalty p > 0.
void ridge_errors(const prompt_lanes& prompts, const std::vector<double>& penalties, matrix& errors);

/// For baselines that see every prompt once.
class single_pass : public baseline_run {
 public:
  int rows() const override { return done_ ? 0 : wanted(); }
  void take(error_table table) override {
    table_ = std::move(table);
    done_ = true;
  }

 protected:
  virtual int wanted() const = 0;
  error_table table_;

 private:
  bool done_ = false;
};

}  // namespace cotscale::detail
