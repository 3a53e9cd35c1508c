// Quadratic programmes over the simplex.
#pragma once

#include <span>
#include <stop_token>
#include <vector>

#include "corral.hpp"
#include "cotscale/linalg/matrix.hpp"

namespace cotscale {

/// min ½ πᵀHπ − tᵀπ subject to π ≥ 0, Σ π = 1, with H_ij = ⟨P_i, P_j⟩ and t_i = ⟨P_i, z⟩: the point of the polytope of
/// the P_i that is nearest to z.
struct simplex_programme {
  const matrix& gram;              ///< H (T, T), positive semi-definite
  std::span<const double> linear;  ///< t (T)
  std::span<const double> norms;   ///< ‖P_i‖ (T)
  double target_norm = 0;          ///< ‖z‖
};

/// What slopes are measured by, as that is what cancels in them: s_i = (‖P_i‖ + ‖P‖)(‖P‖ + ‖z‖), with P = Σ π_i P_i.
struct slope_measure {
  double multiplier = 0;  ///< μ = Σ π_i g_i
  double mixture_norm = 0;
  double target_norm = 0;

  slope_measure() = default;
  slope_measure(double norm_of_mixture, double norm_of_target, std::span<const double> probabilities,
                std::span<const double> gradient);
  double scale(double norm) const { return (norm + mixture_norm) * (mixture_norm + target_norm); }
};

/// The state at given probabilities: the gradient g and what it is measured by.
struct simplex_state {
  std::vector<double> probabilities;
  std::vector<double> gradient;
  slope_measure terms;
};

/// The active set method of Wolfe (Math. Programming 11, 1976), with points that enter and leave in blocks. The
/// programme is kept.
class simplex_search {
 public:
  explicit simplex_search(const simplex_programme& p);

  /// To the optimum, up to rounding. Throws stopped when asked to stop.
  void run(const std::stop_token& stop);

  const simplex_state& current() const { return current_; }
  int iterations() const { return iterations_; }

  /// The step (T) among the points that carry weight, of sum 0, to the minimum on their affine hull, by the gradient at
  /// s.
  std::vector<double> newton_step(const simplex_state& s) const;

 private:
  enum class progress { none, partial_step, full_step };
  struct reach;

  static int nearest_vertex(const simplex_programme& p);
  simplex_state state_at(std::vector<double> probabilities) const;
  double relative_gap(std::size_t l) const;
  double corral_gap() const;
  std::vector<int> violators() const;
  std::vector<double> step_on_corral(const simplex_state& s) const;
  reach reach_of(std::span<const double> step) const;
  progress move();
  std::vector<double> moved_by(std::span<const double> step, double length) const;
  double change_to(const simplex_state& other) const;
  std::vector<int> weightless() const;
  void leave(std::span<const int> positions);

  simplex_programme programme_;
  corral corral_;
  std::vector<char> in_corral_;
  simplex_state current_;
  int iterations_ = 0;
};

}  // namespace cotscale
