#include "cotscale/task/prompt.hpp"

#include <cmath>

#include "cotscale/base/error.hpp"
#include "cotscale/linalg/blas.hpp"

namespace cotscale {

prompt_source::prompt_source(const covariance& sigma, int m, stream_key key)
    : factor_(sigma.apply([](double lambda) { return std::sqrt(lambda); })), m_(m), key_(key) {
  expects(m >= 1, "prompt_source: m must be at least 1, got {}", m);
}

void prompt_source::draw(std::uint64_t index, prompt& out) const {
  const int d = dimension();
  out.w.resize(static_cast<std::size_t>(d));
  fill_normal(key_, 2 * index, out.w);
  thread_local matrix z;
  z.reshape(d, m_);
  fill_normal(key_, 2 * index + 1, z.values());
  // X = F Z, y = Xᵀ w
  out.x.reshape(d, m_);
  multiply(1, factor_, transpose::no, z, transpose::no, 0, out.x);
  out.y.assign(static_cast<std::size_t>(m_), 0);
  for (int j = 0; j < d; ++j) {
    for (int i = 0; i < m_; ++i) out.y[static_cast<std::size_t>(i)] += out.w[static_cast<std::size_t>(j)] * out.x(j, i);
  }
}

}  // namespace cotscale
