// One layer of softmax attention on the embedding of linear self-attention (model/lsa.hpp), and its chain of thought,
// forward and backward, for one prompt with its examples.
#pragma once

#include <span>
#include <vector>

#include "cotscale/model/lsa.hpp"
#include "cotscale/task/prompt.hpp"

namespace cotscale {

/// With the examples E_j = (x_j, y_j, 0, 0) and e_0 = (0, 0, 0, 1), application i = 0 … makes from the tokens e_0 … e_i
///
///     a_i = W e_i,   p_i = softmax_j(E_jᵀ a_i/√d),   z_i = Σ_j p_ij E_j,   o_i = e_i + V z_i,
///
/// where j goes over the examples and, with `own_columns`, over e_0 … e_i too. V and W are (2d+2, 2d+2), as is the
/// residual, those of linear self-attention; softmax takes the place of its division by ρ.
class softmax_chain {
 public:
  explicit softmax_chain(bool own_columns) : own_columns_(own_columns) {}

  /// Begins anew with e_0 alone. The prompt must live until the next start.
  void start(const prompt& p);

  /// Appends a token (2d+2), a constant or the last output.
  void append(std::span<const double> token);

  /// The layer at the last token; once a token.
  std::span<const double> apply(const lsa_parameters& parameters);

  std::span<const double> token(int i) const { return steps_[static_cast<std::size_t>(i)].e; }
  std::span<const double> output(int i) const { return steps_[static_cast<std::size_t>(i)].o; }

  /// Adds the gradient of a loss with the derivatives o_bar[i] by the outputs, (2d+2) each, to `gradient`. If the
  /// tokens are the outputs, e_{i+1} = o_i, and the gradient is to go through them, o_bar is overwritten.
  void backward(const lsa_parameters& parameters, bool through_tokens, std::vector<std::vector<double>>& o_bar,
                lsa_parameters& gradient);

 private:
  using column = std::vector<double>;
  struct step {
    column e, a, p, z, o;
  };

  int keys(int i) const;
  void add_key(int j, double factor, column& out) const;  // out += factor · E_j
  double dot_key(int j, std::span<const double> x) const;

  bool own_columns_;
  const prompt* prompt_ = nullptr;
  int tokens_ = 0;
  std::vector<step> steps_;
};

}  // namespace cotscale
