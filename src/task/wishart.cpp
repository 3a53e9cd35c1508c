#include "cotscale/task/wishart.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "cotscale/base/error.hpp"
#include "cotscale/linalg/lapack.hpp"

namespace cotscale {
namespace {

// Substreams of a block of prompts.
constexpr std::uint64_t substreams = 2;
constexpr std::uint64_t prompt_substream = 0;
constexpr std::uint64_t task_substream = 1;

bool is_diagonal(const matrix& a) {
  for (int i = 0; i < a.rows(); ++i) {
    for (int j = 0; j < a.columns(); ++j) {
      if (i != j && a(i, j) != 0) return false;
    }
  }
  return true;
}

// F, lower triangular, with F Fᵀ = Λ; from the eigenvectors, since Λ may be singular.
matrix lower_factor(const covariance& lambda) {
  matrix root = lambda.basis();
  for (int i = 0; i < root.rows(); ++i) {
    for (int j = 0; j < root.columns(); ++j) {
      root(i, j) *= std::sqrt(lambda.eigenvalues()[static_cast<std::size_t>(j)]);
    }
  }
  return lower_trapezoidal_factor(root);
}

}  // namespace

wishart_source::wishart_source(const task_mixture& tasks, int m, stream_key key)
    : d_(tasks.dimension()), m_(m), key_(key) {
  expects(m >= 1, "wishart_source: m must be at least 1, got {}", m);
  double total = 0;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    const covariance& task = tasks.task(i);
    const prompt_distribution& distribution = tasks.distribution(i);
    expects(!task.is_scalar(), "wishart_source: needs the covariance in full (covariance::in_full)");
    expects(distribution.features->is_gaussian(), "wishart_source: the features are {}", distribution.features->word());
    deviations_.push_back(std::sqrt(distribution.noise));
    weights_.push_back(distribution.weights);
    noisy_ = noisy_ || distribution.noise > 0;
    gaussian_weights_ = gaussian_weights_ && distribution.weights->is_gaussian();
    task_factor factor{.diagonal = is_diagonal(task.values()), .values = {}};
    if (factor.diagonal) {
      factor.values.reshape(d_, 1);
      for (int j = 0; j < d_; ++j) factor.values(j, 0) = std::sqrt(task.values()(j, j));
    } else {
      factor.values = lower_factor(task);
    }
    factors_.push_back(std::move(factor));
    cumulative_.push_back(total += tasks.probability(i));
  }
  for (int j = 0; j < std::min(d_, m_); ++j) degrees_.insert(degrees_.end(), lane_count, m_ - j);
}

std::vector<std::size_t> wishart_source::draw_tasks(std::uint64_t block) const {
  if (factors_.size() == 1) return {0};
  std::array<double, lane_count> uniforms;
  fill_uniform(key_, substreams * block + task_substream, uniforms);
  std::vector<std::size_t> tasks;
  for (const double u : uniforms) {
    const auto found = std::upper_bound(cumulative_.begin(), cumulative_.end() - 1, u * cumulative_.back());
    tasks.push_back(static_cast<std::size_t>(found - cumulative_.begin()));
  }
  return tasks;
}

// T ← F T, from the last row upwards: row i needs the rows above it only.
void wishart_source::multiply_factor(const std::vector<std::size_t>& tasks, trapezoid_lanes& t) const {
  const bool diagonal = std::all_of(tasks.begin(), tasks.end(), [&](std::size_t l) { return factors_[l].diagonal; });
  std::array<double, lane_count> f{};
  const auto gather = [&](int i, int j) {
    for (std::size_t lane = 0; lane < f.size(); ++lane) {
      const task_factor& factor = factors_[tasks[tasks.size() == 1 ? 0 : lane]];
      if (factor.diagonal) {
        f[lane] = i == j ? factor.values(i, 0) : 0;
      } else {
        f[lane] = factor.values(i, j);
      }
    }
  };
  const auto row_data = [&](int i) { return t.packed.data() + t.row(i) * lane_count; };
  for (int i = d_ - 1; i >= 0; --i) {
    double* row = row_data(i);
    gather(i, i);
    for (int j = 0; j < t.row_length(i); ++j) {
      for (std::size_t lane = 0; lane < f.size(); ++lane)
        row[static_cast<std::size_t>(j) * lane_count + lane] *= f[lane];
    }
    for (int l = 0; !diagonal && l < i; ++l) {
      gather(i, l);
      const double* other = row_data(l);
      for (std::size_t j = 0; j < static_cast<std::size_t>(t.row_length(l)) * lane_count; j += lane_count) {
        for (std::size_t lane = 0; lane < f.size(); ++lane) row[j + lane] += f[lane] * other[j + lane];
      }
    }
  }
}

void wishart_source::draw(std::uint64_t block, prompt_lanes& out) const {
  const int rank = std::min(d_, m_);
  out.bidiagonal.dimension = 0;
  out.m = m_;
  trapezoid_lanes& t = out.factor;
  t.rows = d_;
  t.columns = rank;
  t.packed.reshape(trapezoid_size(d_, rank), lane_count);
  thread_local std::vector<double> normals, chi;
  normals.resize((static_cast<std::size_t>(d_) + t.row(d_) - static_cast<std::size_t>(rank)) * lane_count);
  fill_normal(key_, substreams * block + prompt_substream, normals);
  chi.resize(degrees_.size());
  fill_chi(key_, substreams * block + prompt_substream, degrees_, chi);

  out.w.reshape(d_, lane_count);
  std::copy_n(normals.data(), out.w.size(), out.w.data());
  const double* next = normals.data() + out.w.size();
  for (int i = 0; i < d_; ++i) {
    const auto below = static_cast<std::size_t>(std::min(i, rank)) * lane_count;
    double* row = t.packed.data() + t.row(i) * lane_count;
    std::copy_n(next, below, row);
    next += below;
    if (i < rank) std::copy_n(&chi[static_cast<std::size_t>(i) * lane_count], lane_count, row + below);
  }
  const std::vector<std::size_t> drawn = draw_tasks(block);
  multiply_factor(drawn, t);
  if (!gaussian_weights_) shape_weights(block, drawn, out.w);
  if (noisy_) {
    draw_noise(block, drawn, out);
  } else if (out.has_noise()) {
    out.noise = {};
    out.noise_square = {};
  }
}

void wishart_source::shape_weights(std::uint64_t block, const std::vector<std::size_t>& tasks, matrix& w) const {
  std::vector<double> of_lane(static_cast<std::size_t>(d_));
  for (int lane = 0; lane < lane_count; ++lane) {
    for (int j = 0; j < d_; ++j) of_lane[static_cast<std::size_t>(j)] = w(j, lane);
    const weight_prior& prior = *weights_[tasks[tasks.size() == 1 ? 0 : static_cast<std::size_t>(lane)]];
    prior.shape(key_, block * lane_count + static_cast<std::uint64_t>(lane), of_lane);
    for (int j = 0; j < d_; ++j) w(j, lane) = of_lane[static_cast<std::size_t>(j)];
  }
}

void wishart_source::draw_noise(std::uint64_t block, const std::vector<std::size_t>& tasks, prompt_lanes& out) const {
  const int rank = out.factor.columns;
  const stream_key key = label_noise_key(key_);
  matrix z(rank, lane_count);
  fill_normal(key, block, z.values());
  std::array<double, lane_count> rest{};
  if (m_ > rank) fill_chi(key, block, std::vector<double>(lane_count, m_ - rank), rest);
  std::array<double, lane_count> sigma{};
  for (std::size_t lane = 0; lane < sigma.size(); ++lane) {
    sigma[lane] = deviations_[tasks[tasks.size() == 1 ? 0 : lane]];
    double square = rest[lane] * rest[lane];
    for (int j = 0; j < rank; ++j) square += z(j, static_cast<int>(lane)) * z(j, static_cast<int>(lane));
    out.noise_square[lane] = sigma[lane] * sigma[lane] * square / m_;
  }
  out.noise.reshape(d_, lane_count);
  for (int i = 0; i < d_; ++i) {  // Xε/m = L z σ/m
    const double* row = out.factor.packed.data() + out.factor.row(i) * lane_count;
    for (int lane = 0; lane < lane_count; ++lane) {
      double sum = 0;
      for (int j = 0; j < out.factor.row_length(i); ++j) sum += row[j * lane_count + lane] * z(j, lane);
      out.noise(i, lane) = sum * sigma[static_cast<std::size_t>(lane)] / m_;
    }
  }
}

std::vector<matrix> sample_covariances(const covariance& sigma, int m, int count, stream_key key) {
  const wishart_source source(task_mixture(sigma), m, key);
  std::vector<matrix> out;
  prompt_lanes p;
  for (int i = 0; i < count; ++i) {
    if (i % lane_count == 0) source.draw(static_cast<std::uint64_t>(i / lane_count), p);
    out.push_back(gram_of_lane(1.0 / m, p.factor, i % lane_count));
  }
  return out;
}

}  // namespace cotscale
