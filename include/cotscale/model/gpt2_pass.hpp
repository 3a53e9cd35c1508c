// A batch of prompts on its way through a GPT-2-style model, forward and backward, some tokens at a time.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "cotscale/linalg/blas.hpp"
#include "cotscale/linalg/matrix.hpp"
#include "cotscale/linalg/products.hpp"
#include "cotscale/model/gpt2.hpp"

namespace cotscale {

/// The maps of all blocks transposed, (out, in), each where its original is: the way back multiplies with them. Into
/// `out`, of as many numbers as there are parameters, of which others are left alone.
template<class T>
void transpose_maps(const gpt2_layout& layout, std::span<const T> parameters, std::span<T> out);

/// Activations of B prompts of P tokens each (2 for an example), followed by up to W weight tokens. Tokens go forward
/// in order, any number at a time: keys and values of those before are kept, so a step of a chain costs a token. Rows
/// are by token first: row t·B + b belongs to token t of prompt b. Outputs are computed at weight tokens and, where it
/// is asked for, at y tokens; in the last block nothing else has queries or an MLP.
template<class T>
class gpt2_pass {
 public:
  enum class keep {
    all,    ///< what backward() needs, of all tokens
    cache,  ///< keys and values only
  };
  enum class read {
    weights,   ///< at weight tokens
    prefixes,  ///< at y tokens too: an estimate after each prefix of the examples. Needs keep::all
  };

  /// With keep::cache, activations are those of so many rows at a time: enough for a product of matrices, and few
  /// enough for the cache.
  static constexpr int rows_of_chunk = 512;

  gpt2_pass(const gpt2_layout& layout, keep what);

  /// Begins a batch. P = 2·(examples of each prompt); the configuration takes these examples and W steps.
  void start(int batch, int prompt_tokens, int weight_tokens, read where = read::weights);

  const gpt2_layout& layout() const { return layout_; }
  int batch() const { return batch_; }
  int prompt_tokens() const { return prompt_tokens_; }
  int token_count() const { return tokens_; }  // P + W

  /// Token t, (B, d + 1): to be written before it goes forward.
  view<T> token(int t) { return rows(input_, t, 1, channels()); }

  /// Tokens first … last − 1; first is where the last call ended.
  void forward(std::span<const T> parameters, int first, int last);

  /// What is read out at weight token i, (B, d).
  view<const T> output(int i) const { return rows(output_, prefixes_ + i, 1, d()); }

  /// The derivative of the loss by output(i), (B, d): to be written before token P + i goes backward.
  view<T> output_bar(int i) { return rows(output_bar_, prefixes_ + i, 1, d()); }

  /// With read::prefixes what is read out at token 2i + 1, y of example i ≥ 0, (B, d); and the derivative by it, to be
  /// written before that token goes backward.
  view<const T> prefix_output(int i) const { return rows(output_, i, 1, d()); }
  view<T> prefix_output_bar(int i) { return rows(output_bar_, i, 1, d()); }

  /// After all tokens went forward: forgets the last gradients. `transposed` is what transpose_maps() makes of the
  /// parameters, and is kept by reference.
  void start_backward(std::span<const T> transposed);

  /// Tokens first … last − 1 after those behind them; adds to `gradient`. Needs keep::all.
  void backward(std::span<const T> parameters, int first, int last, std::span<T> gradient);

  /// The derivative by weight token i, (B, d + 1), once it went backward.
  view<const T> token_bar(int i) const { return rows(token_bar_, i, 1, channels()); }

 private:
  using buffer = line_vector<T>;

  // Activations of a block, C = width, D = C/H: rows are (tokens·B, ·), heads (B, H, tokens, ·).
  struct block_memory {
    buffer x, n1, mean1, scale1;       // what comes in, (C); normalised
    buffer q, k, v, p;                 // heads, (D); p (padded T)
    buffer attended;                   // heads side by side, (C)
    buffer middle, n2, mean2, scale2;  // after attention, (C); normalised
    buffer up;                         // (4C), before GELU
    buffer k_bar, v_bar;               // heads, (D)
  };

  // Tokens first … last − 1, of which those from `queries` on have queries in this block, and before these so many y
  // tokens, where prefixes are read out. What belongs to queries only stands without gaps.
  struct range {
    int first, queries, last;
    int prefixes;  // y tokens before `queries` that have queries
    int slot;      // where the first query is in the block's memory
    int output;    // and in that of outputs, behind the last block
    int count() const { return last - first; }
    int query_count() const { return prefixes + last - queries; }
  };

  // Queries of every so many tokens, from `token` on; the first is the row-th of a range.
  struct stretch {
    int token, every, count, row;
    int last() const { return token + every * (count - 1); }
  };

  int d() const { return layout_.configuration().d; }
  int channels() const { return layout_.configuration().channels(); }
  int width() const { return layout_.configuration().size.width; }
  int heads() const { return layout_.configuration().size.heads; }
  int head_width() const { return layout_.configuration().head_width(); }
  int layers() const { return layout_.configuration().size.layers; }
  // Row of wpe.weight that belongs to token t; none (−1) of examples whose positions do not learn.
  int position(int t) const;

  void allocate();
  void fix_positions();
  range range_of(int layer, int first, int last) const;
  block_memory& memory(int layer) { return blocks_[what_ == keep::all ? static_cast<std::size_t>(layer) : 0]; }
  block_memory& cache(int layer) { return blocks_[static_cast<std::size_t>(layer)]; }
  int stored(int t) const { return what_ == keep::all ? t : t - first_; }  // where token t is in memory(layer)
  view<T> rows(const buffer& values, int t, int count, int columns) const;
  T* head(const buffer& values, int capacity, int columns, int b, int h, int t) const;
  view<T> residual(int layer, int t, int count);
  view<T> behind(int layer, const range& r);
  std::array<stretch, 2> stretches(const range& r) const;
  view<const T> of_queries(const range& r, view<const T> all);
  view<T> query_bar(const range& r);
  const T* at(std::span<const T> parameters, std::size_t offset) const { return parameters.data() + offset; }

  void forward_chunk(std::span<const T> parameters, int first, int last);
  void embed(std::span<const T> parameters, const range& r);
  void project(std::span<const T> parameters, int layer, const range& r);
  void split_heads(int layer, const range& r);
  void attend(std::span<const T> parameters, int layer, const range& r);
  void feed_forward(std::span<const T> parameters, int layer, const range& r);
  void read_out(std::span<const T> parameters, const range& r);

  void read_out_backward(std::span<const T> parameters, const range& r, std::span<T> gradient);
  void feed_forward_backward(std::span<const T> parameters, int layer, const range& r, std::span<T> gradient);
  void attend_backward(int layer, const range& r, std::span<T> gradient);
  void spread_query_bar(const range& r);
  void add_query_rows(const range& r, view<const T> queries, view<T> all) const;
  void merge_heads_backward(int layer, const range& r);
  void project_backward(std::span<const T> parameters, int layer, const range& r, std::span<T> gradient);
  void embed_backward(std::span<const T> parameters, const range& r, std::span<T> gradient);

  gpt2_layout layout_;
  keep what_;
  int batch_ = 0;
  int prompt_tokens_ = 0;
  int tokens_ = 0;
  int prefixes_ = 0;  // that are read out: examples, or none
  int chunk_ = 0;     // most tokens in memory(layer)
  int first_ = 0;     // of the tokens at hand
  int done_ = 0;      // tokens that went forward
  std::span<const T> transposed_;
  std::vector<block_memory> blocks_;
  buffer fixed_;                                   // positions of examples that do not learn, (P, C)
  buffer input_;                                   // (T·B, d + 1)
  buffer x_, normalised_, mean_, scale_, output_;  // behind the last block, of its queries
  buffer qkv_, wide_, wide_bar_, narrow_bar_;      // scratch: (3C), (4C), (4C), (C)
  buffer x_bar_, q_bar_;                           // (T·B, C), heads (D)
  buffer output_bar_, token_bar_;
  buffer gathered_;  // scratch where prefixes are read out: rows of queries, (C)
};

}  // namespace cotscale
