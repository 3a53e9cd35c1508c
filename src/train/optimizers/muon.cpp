// Muon (Jordan 2024, kellerjordan.github.io/posts/muon): the momentum of a matrix is replaced by the nearest matrix
// whose singular values are near one, which five Newton-Schulz iterations make of it.
#include <algorithm>
#include <cmath>
#include <vector>

#include "adam_step.hpp"
#include "blocks.hpp"
#include "cotscale/config/part_definition.hpp"
#include "cotscale/linalg/blas.hpp"

namespace cotscale {
namespace optimizers {
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

}  // namespace

class muon final : public update_rule {
 public:
  std::string_view word() const override { return "muon"; }
  std::string_view help() const override { return "orthogonalised momentum for matrices, AdamW for everything else"; }
  std::shared_ptr<update_rule> clone() const override { return std::make_shared<muon>(*this); }
  int version() const override { return 1; }
  void keys(config::keys& k) override {
    constants_.keys(k);
    weight_decay_key(k, weight_decay_);
    k.value({.name = "muon_momentum", .help = "of matrices"}, momentum_, {.least = 0, .below = 1});
    k.value({.name = "nesterov", .help = "look ahead by the momentum"}, nesterov_);
    k.value({.name = "vector_rate",
             .help = "largest learning rate of what is no matrix, which AdamW moves, on the same schedule"},
            vector_rate_, {.above = 0});
  }
  int moments() const override { return 2; }
  void step(const optimizer_step<float>& s) const override { descend(s); }
  void step(const optimizer_step<double>& s) const override { descend(s); }

 private:
  // b ← μ b + g; the direction is b, or g + μ b, made orthogonal, times √max(1, outputs/inputs).
  template<class T>
  void step_of_matrix(const optimizer_step<T>& s, const learning_tensor& tensor) const {
    const int rows = tensor.inputs_first ? tensor.inputs : tensor.outputs;
    const int columns = tensor.inputs_first ? tensor.outputs : tensor.inputs;
    const T memory = static_cast<T>(momentum_);
    std::vector<T> direction(static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns));
    const auto place = [&](std::size_t i) { return tensor.places.empty() ? i : tensor.places[i]; };
    for (std::size_t i = 0; i < tensor.count; ++i) {
      const T g = s.gradient[tensor.offset + i];
      T& mean = s.state.mean[tensor.offset + i];
      mean = memory * mean + g;
      direction[place(i)] = nesterov_ ? g + memory * mean : mean;
    }
    orthogonalise(view<T>(direction.data(), rows, columns));
    const double scale = std::sqrt(std::max(1.0, 1.0 * tensor.outputs / tensor.inputs));
    const T step = static_cast<T>(s.rate * scale), keep = static_cast<T>(1 - s.rate * weight_decay_);
    for (std::size_t i = 0; i < tensor.count; ++i) {
      T& p = s.parameters[tensor.offset + i];
      p = keep * p - step * direction[place(i)];
    }
  }

  // Each matrix is a thread's; everything else is AdamW's.
  template<class T>
  void descend(const optimizer_step<T>& s) const {
    const double rate = s.rate / s.largest_rate * vector_rate_;
    const double keep = 1 - rate * weight_decay_;
    if (s.tensors.empty()) return adam_step(s, constants_, rate, keep, 0, s.parameters.size());
    parallel_for(static_cast<int>(s.tensors.size()), [&](int i) {
      const learning_tensor& tensor = s.tensors[static_cast<std::size_t>(i)];
      if (tensor.outputs > 0) {
        step_of_matrix(s, tensor);
      } else {
        adam_step(s, constants_, rate, keep, tensor.offset, tensor.count);
      }
    });
  }

  adam_constants constants_;
  double weight_decay_ = 0.01;
  double momentum_ = 0.95;
  bool nesterov_ = true;       // it looks one step ahead of its momentum
  double vector_rate_ = 1e-3;  // the largest rate of what is no matrix
};

}  // namespace optimizers

template const update_rule& config::part<update_rule, optimizers::muon>();

}  // namespace cotscale
