// Muon (Jordan 2024, kellerjordan.github.io/posts/muon): the momentum of a matrix is replaced by the nearest matrix
// whose singular values are near one, which five Newton-Schulz iterations make of it.
#include <algorithm>
#include <cmath>
#include <vector>

#include "blocks.hpp"
#include "cotscale/linalg/blas.hpp"
#include "parts.hpp"

namespace cotscale::detail {
namespace {

// X ← X/‖X‖_F, then five times X ← a X + (b A + c A²) X with A = X Xᵀ; for a tall X the same of its transpose, which is
// X ← a X + X (b A + c A²) with A = Xᵀ X.
template<class T>
void orthogonalise(view<T> x) {
  constexpr int iterations = 5;
  constexpr double least_norm = 1e-7;
  const T a = static_cast<T>(3.4445), b = static_cast<T>(-4.7750), c = static_cast<T>(2.0315);
  const auto size = static_cast<std::size_t>(x.rows) * static_cast<std::size_t>(x.columns);
  const bool tall = x.rows > x.columns;
  const int side = std::min(x.rows, x.columns);
  double square = 0;
  for (std::size_t i = 0; i < size; ++i) square += static_cast<double>(x.data[i]) * static_cast<double>(x.data[i]);
  const T factor = static_cast<T>(1 / (std::sqrt(square) + least_norm));
  for (std::size_t i = 0; i < size; ++i) x.data[i] *= factor;
  std::vector<T> gram_values(static_cast<std::size_t>(side) * static_cast<std::size_t>(side)), sum_values, old(size);
  const view<T> gram_view(gram_values.data(), side, side);
  for (int i = 0; i < iterations; ++i) {
    std::copy_n(x.data, size, old.begin());
    const view<const T> from(old.data(), x.rows, x.columns);
    multiply(T{1}, from, tall ? transpose::yes : transpose::no, from, tall ? transpose::no : transpose::yes, T{0},
             gram_view);
    sum_values = gram_values;
    const view<T> sum(sum_values.data(), side, side);
    multiply(c, gram_view, transpose::no, gram_view, transpose::no, b, sum);
    if (tall) {
      multiply(T{1}, from, transpose::no, sum, transpose::no, a, x);
    } else {
      multiply(T{1}, sum, transpose::no, from, transpose::no, a, x);
    }
  }
}

// b ← μ b + g; the direction is b, or g + μ b, made orthogonal, times √max(1, outputs/inputs).
template<class T>
void step_of_matrix(const optimizer_step<T>& s, const learning_tensor& tensor) {
  const int rows = tensor.inputs_first ? tensor.inputs : tensor.outputs;
  const int columns = tensor.inputs_first ? tensor.outputs : tensor.inputs;
  const T memory = static_cast<T>(s.options.muon_momentum);
  std::vector<T> direction(static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns));
  const auto place = [&](std::size_t i) { return tensor.places.empty() ? i : tensor.places[i]; };
  for (std::size_t i = 0; i < tensor.count; ++i) {
    const T g = s.gradient[tensor.offset + i];
    T& mean = s.state.mean[tensor.offset + i];
    mean = memory * mean + g;
    direction[place(i)] = s.options.nesterov ? g + memory * mean : mean;
  }
  orthogonalise(view<T>(direction.data(), rows, columns));
  const double scale = std::sqrt(std::max(1.0, 1.0 * tensor.outputs / tensor.inputs));
  const T step = static_cast<T>(s.rate * scale), keep = static_cast<T>(1 - s.rate * s.options.weight_decay);
  for (std::size_t i = 0; i < tensor.count; ++i) {
    T& p = s.parameters[tensor.offset + i];
    p = keep * p - step * direction[place(i)];
  }
}

// Each matrix is a thread's; everything else is AdamW's.
template<class T>
void descend(const optimizer_step<T>& s) {
  const double rate = s.rate / s.options.learning_rate * s.options.vector_rate;
  const double keep = 1 - rate * s.options.weight_decay;
  if (s.tensors.empty()) return adam_step(s, rate, keep, 0, s.parameters.size());
  parallel_for(static_cast<int>(s.tensors.size()), [&](int i) {
    const learning_tensor& tensor = s.tensors[static_cast<std::size_t>(i)];
    if (tensor.outputs > 0) {
      step_of_matrix(s, tensor);
    } else {
      adam_step(s, rate, keep, tensor.offset, tensor.count);
    }
  });
}

class muon : public optimizer_part {
 public:
  update_rule rule() const override { return update_rule::muon; }
  std::string_view word() const override { return "muon"; }
  std::string_view help() const override { return "orthogonalised momentum for matrices, AdamW for everything else"; }
  int moments() const override { return 2; }
  void step(const optimizer_step<float>& s) const override { descend(s); }
  void step(const optimizer_step<double>& s) const override { descend(s); }
};

}  // namespace

const optimizer_part& muon_part() {
  static const muon part;
  return part;
}

}  // namespace cotscale::detail
