#include "cotscale/task/prompt.hpp"

#include <algorithm>
#include <cmath>

#include "cotscale/base/error.hpp"

namespace cotscale {

prompt_source::prompt_source(const prompt_distribution& distribution, int m, stream_key key)
    : sampler_(distribution.features->sampler(distribution.lambda)),
      weights_(distribution.weights),
      noise_(distribution.noise),
      d_(distribution.dimension()),
      m_(m),
      key_(key),
      noise_key_(label_noise_key(key)) {
  expects(m >= 1, "prompt_source: m must be at least 1, got {}", m);
  expects(!distribution.lambda.is_scalar(), "prompt_source: needs the covariance in full (covariance::in_full)");
}

void prompt_source::draw(std::uint64_t index, prompt& out) const {
  const int d = dimension();
  out.w.resize(static_cast<std::size_t>(d));
  fill_normal(key_, 2 * index, out.w);
  weights_->shape(key_, index, out.w);
  out.x.reshape(d, m_);
  sampler_->draw(key_, index, out.x);
  // y = Xᵀ w + ε
  out.y.assign(static_cast<std::size_t>(m_), 0);
  for (int j = 0; j < d; ++j) {
    for (int i = 0; i < m_; ++i) out.y[static_cast<std::size_t>(i)] += out.w[static_cast<std::size_t>(j)] * out.x(j, i);
  }
  out.noise.clear();
  if (noise_ == 0) return;
  out.noise.resize(out.y.size());
  fill_normal(noise_key_, index, out.noise);
  for (std::size_t i = 0; i < out.y.size(); ++i) out.y[i] += out.noise[i] *= std::sqrt(noise_);
}

mixture_source::mixture_source(const task_mixture& tasks, int m, stream_key key)
    : task_key_(key_builder("task of a prompt").add(key.low).add(key.high).key()) {
  double total = 0;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    sources_.emplace_back(tasks.distribution(i), m, key);
    cumulative_.push_back(total += tasks.probability(i));
  }
}

bool mixture_source::has_noise() const {
  return std::any_of(sources_.begin(), sources_.end(), [](const prompt_source& s) { return s.noise() > 0; });
}

void mixture_source::draw(std::uint64_t index, prompt& out) const {
  std::size_t task = 0;
  if (sources_.size() > 1) {
    double u = 0;
    fill_uniform(task_key_, index, std::span(&u, 1));
    const auto found = std::upper_bound(cumulative_.begin(), cumulative_.end() - 1, u * cumulative_.back());
    task = static_cast<std::size_t>(found - cumulative_.begin());
  }
  sources_[task].draw(index, out);
}

}  // namespace cotscale
