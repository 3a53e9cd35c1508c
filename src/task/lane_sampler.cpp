#include "cotscale/task/lane_sampler.hpp"

#include <algorithm>

#include "cotscale/linalg/lapack.hpp"

namespace cotscale {
namespace {

bool all_gaussian(const task_mixture& tasks) {
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    if (!tasks.distribution(i).features->is_gaussian()) return false;
  }
  return true;
}

}  // namespace

void start_lanes(int d, int m, bool noisy, prompt_lanes& out) {
  const int rank = std::min(d, m);
  out.bidiagonal.dimension = 0;
  out.m = m;
  out.factor.rows = d;
  out.factor.columns = rank;
  out.factor.packed.reshape(trapezoid_size(d, rank), lane_count);
  out.w.reshape(d, lane_count);
  out.noise.reshape(noisy ? d : 0, noisy ? lane_count : 0);
  out.noise_square = {};
}

void put_prompt(const prompt& p, int lane, prompt_lanes& out) {
  const matrix l = lower_trapezoidal_factor(p.x);
  for (int i = 0; i < out.factor.rows; ++i) {
    for (int j = 0; j < out.factor.row_length(i); ++j) {
      out.factor.packed(static_cast<int>(out.factor.row(i)) + j, lane) = l(i, j);
    }
  }
  for (int j = 0; j < out.factor.rows; ++j) out.w(j, lane) = p.w[static_cast<std::size_t>(j)];
  if (!out.has_noise()) return;
  double square = 0;
  for (const double e : p.noise) square += e * e;
  out.noise_square[static_cast<std::size_t>(lane)] = square / out.m;
  for (int j = 0; j < out.factor.rows; ++j) {
    double sum = 0;
    for (std::size_t i = 0; i < p.noise.size(); ++i) sum += p.x(j, static_cast<int>(i)) * p.noise[i];
    out.noise(j, lane) = sum / out.m;
  }
}

lane_sampler::lane_sampler(const task_mixture& tasks, int m, stream_key key) {
  if (all_gaussian(tasks)) {
    wishart_.emplace(tasks, m, key);
  } else {
    examples_.emplace(tasks, m, key);
  }
}

void lane_sampler::draw(std::uint64_t block, prompt_lanes& out) const {
  if (wishart_) {
    wishart_->draw(block, out);
    return;
  }
  start_lanes(examples_->dimension(), examples_->examples(), examples_->has_noise(), out);
  thread_local prompt p;
  for (int lane = 0; lane < lane_count; ++lane) {
    examples_->draw(block * lane_count + static_cast<std::uint64_t>(lane), p);
    put_prompt(p, lane, out);
  }
}

}  // namespace cotscale
