// A GPT-2-style model of in-context weight prediction: its shape, its parameters and their names. The tokens of a
// prompt are x_1, y_1, …, x_n, y_n, w_0, ŵ_1, … , each d numbers and a flag: x as it is; y in the first number, then
// zeros; an estimate of the weight with the flag 1. What is read out at one estimate is the next. (Garg et al., arXiv
// 2208.01066)
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace cotscale {

struct gpt2_size {
  int layers = 0;
  int heads = 0;
  int width = 0;
  friend bool operator==(const gpt2_size&, const gpt2_size&) = default;
};

inline constexpr gpt2_size gpt2_tiny{3, 2, 64};
inline constexpr gpt2_size gpt2_small{6, 4, 128};
inline constexpr gpt2_size gpt2_standard{12, 8, 256};

/// What is added to the tokens of examples, so that they are told apart; token t = 0 … 2m − 1 is x or y of example t/2.
enum class example_positions : std::uint8_t {
  learned,     ///< row t of wpe.weight
  sinusoidal,  ///< sinusoidal_position() of t, which does not learn
  none,
};

/// What is added to weight tokens, behind the rows of examples in wpe.weight.
enum class weight_positions : std::uint8_t {
  own,     ///< a row for each
  shared,  ///< one row for all
};

/// A prompt with fewer examples than `examples` leaves learned rows unused, and an estimate has the row that it had in
/// training.
struct gpt2_configuration {
  int d = 0;
  gpt2_size size = gpt2_standard;
  int examples = 0;  ///< of a prompt that it is trained on, at most
  int chain = 1;     ///< steps of a chain that it is trained on, at most
  example_positions positions = example_positions::learned;
  weight_positions weights = weight_positions::own;

  int channels() const { return d + 1; }
  int example_rows() const { return positions == example_positions::learned ? 2 * examples : 0; }
  int position_rows() const { return example_rows() + (weights == weight_positions::own ? chain : 1); }
  /// Whether there are positions for prompts of m examples and chains of so many steps.
  bool takes(int m, int steps) const {
    return (positions != example_positions::learned || m <= examples) &&
           (weights == weight_positions::shared || steps <= chain);
  }
  int head_width() const { return size.width / size.heads; }
  friend bool operator==(const gpt2_configuration&, const gpt2_configuration&) = default;
};

/// A parameter in the vector of all.
struct gpt2_tensor {
  std::string name;        ///< Hugging Face's, or read_in.… and read_out.…
  std::vector<int> shape;  ///< row-major, one or two dimensions
  std::size_t offset = 0;
  std::size_t size() const;
  bool is_residual_projection() const;  ///< the weight of a block's map back into the residual stream
};

/// Where the parameters of a block begin. Weights named c_… are (in, out), as Conv1D has them.
struct gpt2_block_offsets {
  std::size_t ln_1_weight, ln_1_bias;            // (C)
  std::size_t c_attn_weight, c_attn_bias;        // (C, 3C), queries, keys, values
  std::size_t attn_proj_weight, attn_proj_bias;  // (C, C)
  std::size_t ln_2_weight, ln_2_bias;            // (C)
  std::size_t c_fc_weight, c_fc_bias;            // (C, 4C)
  std::size_t mlp_proj_weight, mlp_proj_bias;    // (4C, C)
};

/// All parameters of a model as one vector.
class gpt2_layout {
 public:
  /// Throws specification_error unless every number is ≥ 1 and the heads divide the width.
  explicit gpt2_layout(const gpt2_configuration& configuration);

  const gpt2_configuration& configuration() const { return configuration_; }
  const std::vector<gpt2_tensor>& tensors() const { return tensors_; }
  std::size_t size() const { return size_; }

  // read_in and read_out are (out, in), as torch.nn.Linear has them.
  std::size_t read_in_weight, read_in_bias;  // (C, d + 1), (C)
  std::size_t wpe_weight;                    // (position_rows, C)
  std::vector<gpt2_block_offsets> blocks;
  std::size_t ln_f_weight, ln_f_bias;          // (C)
  std::size_t read_out_weight, read_out_bias;  // (d, C), (d)

 private:
  std::size_t add(std::string name, std::vector<int> shape);
  gpt2_block_offsets add_block(int layer);

  gpt2_configuration configuration_;
  std::vector<gpt2_tensor> tensors_;
  std::size_t size_ = 0;
};

/// Writes the fixed position t to `out`, of C numbers: number 2i is sin(t/10000^(2i/C)), number 2i + 1 the cosine.
/// (Vaswani et al., arXiv 1706.03762, section 3.5)
template<class T>
void sinusoidal_position(int t, std::span<T> out);

/// A model that can be tested.
struct gpt2_model {
  gpt2_configuration configuration;
  std::vector<float> parameters;
};

}  // namespace cotscale
