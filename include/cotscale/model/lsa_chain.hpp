// Chain of thought of linear self-attention in full: any V and W, no block structure assumed, forward and backward, for
// eight prompts side by side. The examples enter through Ŝ, Xy/m and yᵀy/m only.
#pragma once

#include <vector>

#include "cotscale/model/lsa.hpp"
#include "cotscale/task/wishart.hpp"

namespace cotscale {

/// First row of each group of the 2d+2 rows of a token.
struct lsa_rows {
  int d = 0;
  int feature() const { return 0; }  ///< d rows. NOLINT(readability-convert-member-functions-to-static)
  int label() const { return d; }
  int weight() const { return d + 1; }  ///< d rows
  int flag() const { return 2 * d + 1; }
  int count() const { return 2 * d + 2; }
};

/// Vᵀ and Wᵀ, which the backward pass multiplies by.
void transpose_into(const lsa_parameters& parameters, lsa_parameters& out);

/// dV = Σ ō zᵀ and dW = Σ ā eᵀ: collects the vectors, eight prompts at a time, as columns of wide matrices, and
/// multiplies those when they are full.
class lsa_gradient_sum {
 public:
  /// Begins at zero, and makes room for `columns` vectors, a multiple of 8; more may come.
  void start(int d, int columns);
  /// All (2d+2, 8).
  void add(const matrix& o_bar, const matrix& z, const matrix& a_bar, const matrix& e);
  /// The gradient of everything added.
  const lsa_parameters& finish();

 private:
  void flush();

  int used_ = 0;
  matrix o_bar_, z_, a_bar_, e_;  // (2d+2, capacity)
  lsa_parameters sum_;
};

/// Eight chains, and what their backward pass needs. With e_0 = (0, 0, 0, 1), G₀ = Σ_i (x_i, y_i, 0, 0)(x_i, y_i, 0,
/// 0)ᵀ and ρ = the number of examples, application i = 0 … of f makes from the tokens e_0 … e_i
///
///     a_i = W e_i,   z_i = (G₀ + Σ_{j≤i} e_j e_jᵀ) a_i/ρ,   o_i = e_i + V z_i,
///
/// where G₀ a/ρ = (u, wᵀu + eᵀq + (εᵀε/m) a_y, 0, 0), q = a_x + w a_y, u = Ŝ q + e a_y, and e = Xε/m is the noise of
/// labels. (arXiv 2510.03605, section 2.) Memory is reused by every start.
class lsa_chain {
 public:
  /// Begins anew with e_0 alone. The prompt must live until the next start.
  void start(const prompt_lanes& prompt);

  /// Appends a token (2d+2, 8), a constant or the last output.
  void append(const matrix& token);

  /// f at the last token; once a token. V and W (2d+2, 2d+2).
  const matrix& apply(const lsa_parameters& parameters);

  int length() const { return tokens_; }
  const matrix& token(int i) const { return steps_[static_cast<std::size_t>(i)].e; }   ///< e_i, (2d+2, 8)
  const matrix& output(int i) const { return steps_[static_cast<std::size_t>(i)].o; }  ///< o_i, (2d+2, 8)

  /// Adds the gradient to `gradient`, given o_bar[i] = ∂loss/∂o_i, (2d+2, 8), for every i < length(). If
  /// `through_tokens`, e_{i+1} is o_i, and o_bar[i] becomes the derivative through the later steps too; otherwise
  /// tokens are constants. `transposed` is what transpose_into makes of the parameters of the applications.
  void backward(const lsa_parameters& transposed, bool through_tokens, std::vector<matrix>& o_bar,
                lsa_gradient_sum& gradient);

 private:
  struct step {
    matrix e, a, z, o;  // (2d+2, 8)
  };
  void attend(int last, const matrix& a, matrix& z);
  void backward_tokens(int i, const lsa_parameters& transposed, std::vector<matrix>& o_bar);

  const prompt_lanes* prompt_ = nullptr;
  int tokens_ = 0;
  std::vector<step> steps_;  // the first tokens_ of them count
  matrix query_, scratch_, answer_;
  matrix z_bar_, a_bar_;
};

/// Chain of thought of eight prompts with ρ = m: writes ‖w_k − w‖² into row k = 0 … of errors (steps + 1, 8). A chain
/// that overflows gives inf or NaN. Equal to roll_out_definition up to rounding, in O(steps · d · (d + steps))
/// operations a prompt.
void chain_errors(const lsa_parameters& parameters, const prompt_lanes& prompt, matrix& errors);

}  // namespace cotscale
