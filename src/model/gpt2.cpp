#include "cotscale/model/gpt2.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "cotscale/base/error.hpp"
#include "cotscale/model/initialisation.hpp"

namespace cotscale {
namespace {

void require_valid(const gpt2_configuration& c) {
  if (c.d < 1 || c.size.layers < 1 || c.size.heads < 1 || c.size.width < 1 || c.examples < 1 || c.chain < 1) {
    throw specification_error(
        fmt::format("a GPT-2 model needs d, layers, heads, width, n and chain ≥ 1, not {}, {}, {}, {}, {} and {}", c.d,
                    c.size.layers, c.size.heads, c.size.width, c.examples, c.chain));
  }
  if (c.size.width % c.size.heads != 0) {
    throw specification_error(fmt::format("{} heads do not divide a width of {}", c.size.heads, c.size.width));
  }
}

}  // namespace

std::size_t gpt2_tensor::size() const {
  return std::accumulate(shape.begin(), shape.end(), std::size_t{1},
                         [](std::size_t product, int n) { return product * static_cast<std::size_t>(n); });
}

bool gpt2_tensor::is_residual_projection() const { return name.ends_with("c_proj.weight"); }

gpt2_layout::gpt2_layout(const gpt2_configuration& configuration) : configuration_(configuration) {
  require_valid(configuration);
  const int d = configuration.d, width = configuration.size.width;
  read_in_weight = add("read_in.weight", {width, d + 1});
  read_in_bias = add("read_in.bias", {width});
  wpe_weight = add("wpe.weight", {configuration.position_rows(), width});
  for (int layer = 0; layer < configuration.size.layers; ++layer) blocks.push_back(add_block(layer));
  ln_f_weight = add("ln_f.weight", {width});
  ln_f_bias = add("ln_f.bias", {width});
  read_out_weight = add("read_out.weight", {d, width});
  read_out_bias = add("read_out.bias", {d});
}

std::size_t gpt2_layout::add(std::string name, std::vector<int> shape) {
  tensors_.push_back({.name = std::move(name), .shape = std::move(shape), .offset = size_});
  size_ += tensors_.back().size();
  return tensors_.back().offset;
}

gpt2_block_offsets gpt2_layout::add_block(int layer) {
  const int width = configuration_.size.width;
  const auto name = [&](const char* rest) { return fmt::format("h.{}.{}", layer, rest); };
  gpt2_block_offsets out{};
  out.ln_1_weight = add(name("ln_1.weight"), {width});
  out.ln_1_bias = add(name("ln_1.bias"), {width});
  out.c_attn_weight = add(name("attn.c_attn.weight"), {width, 3 * width});
  out.c_attn_bias = add(name("attn.c_attn.bias"), {3 * width});
  out.attn_proj_weight = add(name("attn.c_proj.weight"), {width, width});
  out.attn_proj_bias = add(name("attn.c_proj.bias"), {width});
  out.ln_2_weight = add(name("ln_2.weight"), {width});
  out.ln_2_bias = add(name("ln_2.bias"), {width});
  out.c_fc_weight = add(name("mlp.c_fc.weight"), {width, 4 * width});
  out.c_fc_bias = add(name("mlp.c_fc.bias"), {4 * width});
  out.mlp_proj_weight = add(name("mlp.c_proj.weight"), {4 * width, width});
  out.mlp_proj_bias = add(name("mlp.c_proj.bias"), {width});
  return out;
}

template<class T>
void sinusoidal_position(int t, std::span<T> out) {
  for (std::size_t j = 0; j < out.size(); ++j) {
    const double share = static_cast<double>(j - j % 2) / static_cast<double>(out.size());
    const double angle = t * std::pow(10'000.0, -share);
    out[j] = static_cast<T>(j % 2 == 0 ? std::sin(angle) : std::cos(angle));
  }
}

template void sinusoidal_position<float>(int, std::span<float>);
template void sinusoidal_position<double>(int, std::span<double>);

std::vector<float> initial_gpt2(const gpt2_layout& layout, const initialisation_scheme& scheme, stream_key key) {
  std::vector<float> out(layout.size());
  std::vector<double> normals;
  for (const gpt2_tensor& tensor : layout.tensors()) {
    const auto begin = out.begin() + static_cast<std::ptrdiff_t>(tensor.offset);
    if (tensor.shape.size() == 1) {
      std::fill_n(begin, tensor.size(), tensor.name.ends_with(".weight") ? 1.0F : 0.0F);
      continue;
    }
    const double scale = scheme.deviation(tensor, layout.configuration());
    normals.resize(tensor.size());
    fill_normal(key_builder("initial GPT-2 weights").add(key.low).add(key.high).add(tensor.name).key(), 0, normals);
    std::transform(normals.begin(), normals.end(), begin, [&](double z) { return static_cast<float>(scale * z); });
  }
  return out;
}

}  // namespace cotscale
