#include "process_chain.hpp"

namespace cotscale::detail {
namespace {

// Σ_i x_i (⟨x_i, v⟩ + ε_i)/n = Ŝ v + Xε/n
void descend(const prompt& p, std::vector<double>& v) {
  const matrix& x = p.x;
  std::vector<double> products(static_cast<std::size_t>(x.columns()));
  for (int j = 0; j < x.rows(); ++j) {
    for (int i = 0; i < x.columns(); ++i) {
      products[static_cast<std::size_t>(i)] += x(j, i) * v[static_cast<std::size_t>(j)] / x.columns();
    }
  }
  for (std::size_t i = 0; i < p.noise.size(); ++i) products[i] += p.noise[i] / x.columns();
  for (int j = 0; j < x.rows(); ++j) {
    double& sum = v[static_cast<std::size_t>(j)] = 0;
    for (int i = 0; i < x.columns(); ++i) sum += x(j, i) * products[static_cast<std::size_t>(i)];
  }
}

}  // namespace

std::vector<double> process_chain(const taught_chain& chain, int k, const prompt& p) {
  const std::size_t d = p.w.size();
  std::vector<double> out, w(d), change(d);
  for (int i = 0; i < k; ++i) {
    for (std::size_t j = 0; j < d; ++j) change[j] = p.w[j] - w[j];
    if (chain.targets == process_targets::gradient_descent) descend(p, change);
    for (std::size_t j = 0; j < d; ++j) w[j] += chain.eta * change[j];
    out.insert(out.end(), w.begin(), w.end());
  }
  return out;
}

}  // namespace cotscale::detail
