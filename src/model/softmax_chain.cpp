#include "cotscale/model/softmax_chain.hpp"

#include <algorithm>
#include <cmath>

#include "cotscale/base/error.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/model/lsa_chain.hpp"

namespace cotscale {
namespace {

// dA += x yᵀ
void add_outer(std::span<const double> x, std::span<const double> y, matrix& a) {
  for (int i = 0; i < a.rows(); ++i) {
    for (int j = 0; j < a.columns(); ++j) a(i, j) += x[static_cast<std::size_t>(i)] * y[static_cast<std::size_t>(j)];
  }
}

void softmax(std::vector<double>& scores) {
  const double largest = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (double& s : scores) sum += s = std::exp(s - largest);
  for (double& s : scores) s /= sum;
}

}  // namespace

void softmax_chain::start(const prompt& p) {
  expects(p.x.columns() >= 1 && p.w.size() == static_cast<std::size_t>(p.x.rows()), "softmax_chain: x ({}, {}), w ({})",
          p.x.rows(), p.x.columns(), p.w.size());
  prompt_ = &p;
  tokens_ = 0;
  const lsa_rows rows{p.x.rows()};
  column first(static_cast<std::size_t>(rows.count()));
  first[static_cast<std::size_t>(rows.flag())] = 1;
  append(first);
}

void softmax_chain::append(std::span<const double> token) {
  const column copy(token.begin(), token.end());  // before steps_ moves: the token may be one of its outputs
  if (static_cast<std::size_t>(tokens_) == steps_.size()) steps_.emplace_back();
  steps_[static_cast<std::size_t>(tokens_)].e = copy;
  ++tokens_;
}

// Of application i.
int softmax_chain::keys(int i) const { return prompt_->x.columns() + (own_columns_ ? i + 1 : 0); }

void softmax_chain::add_key(int j, double factor, column& out) const {
  const int examples = prompt_->x.columns(), d = prompt_->x.rows();
  if (j >= examples) {
    const auto e = token(j - examples);
    for (std::size_t r = 0; r < out.size(); ++r) out[r] += factor * e[r];
    return;
  }
  for (int r = 0; r < d; ++r) out[static_cast<std::size_t>(r)] += factor * prompt_->x(r, j);
  out[static_cast<std::size_t>(d)] += factor * prompt_->y[static_cast<std::size_t>(j)];
}

double softmax_chain::dot_key(int j, std::span<const double> x) const {
  const int examples = prompt_->x.columns(), d = prompt_->x.rows();
  double sum = 0;
  if (j >= examples) {
    const auto e = token(j - examples);
    for (std::size_t r = 0; r < x.size(); ++r) sum += e[r] * x[r];
    return sum;
  }
  for (int r = 0; r < d; ++r) sum += prompt_->x(r, j) * x[static_cast<std::size_t>(r)];
  return sum + prompt_->y[static_cast<std::size_t>(j)] * x[static_cast<std::size_t>(d)];
}

std::span<const double> softmax_chain::apply(const lsa_parameters& parameters) {
  const int i = tokens_ - 1;
  step& now = steps_[static_cast<std::size_t>(i)];
  const double scale = 1 / std::sqrt(static_cast<double>(prompt_->x.rows()));
  now.a.resize(now.e.size());
  multiply(1, parameters.w, now.e, 0, now.a);  // a_i = W e_i
  now.p.resize(static_cast<std::size_t>(keys(i)));
  for (int j = 0; j < keys(i); ++j) now.p[static_cast<std::size_t>(j)] = scale * dot_key(j, now.a);
  softmax(now.p);
  now.z.assign(now.e.size(), 0);
  for (int j = 0; j < keys(i); ++j) add_key(j, now.p[static_cast<std::size_t>(j)], now.z);  // z_i = Σ p_ij E_j
  now.o = now.e;
  multiply(1, parameters.v, now.z, 1, now.o);  // o_i = e_i + V z_i
  return now.o;
}

void softmax_chain::backward(const lsa_parameters& parameters, bool through_tokens,
                             std::vector<std::vector<double>>& o_bar, lsa_parameters& gradient) {
  const int examples = prompt_->x.columns();
  const double scale = 1 / std::sqrt(static_cast<double>(prompt_->x.rows()));
  column z_bar, a_bar, s_bar;
  for (int i = tokens_ - 1; i >= 0; --i) {
    const step& now = steps_[static_cast<std::size_t>(i)];
    const column bar = o_bar[static_cast<std::size_t>(i)];
    add_outer(bar, now.z, gradient.v);  // o_i = e_i + V z_i:   dV += ō_i z_iᵀ, z̄_i = Vᵀ ō_i
    z_bar.resize(bar.size());
    multiply_transposed(1, parameters.v, bar, 0, z_bar);
    s_bar.resize(now.p.size());
    double mean = 0;
    for (int j = 0; j < keys(i); ++j) {  // z_i = Σ p_ij E_j:   p̄_ij = E_jᵀ z̄_i, s̄_ij = p_ij (p̄_ij − Σ_l p_il p̄_il)
      s_bar[static_cast<std::size_t>(j)] = dot_key(j, z_bar);
      mean += now.p[static_cast<std::size_t>(j)] * s_bar[static_cast<std::size_t>(j)];
    }
    a_bar.assign(bar.size(), 0);
    for (int j = 0; j < keys(i); ++j) {  // s_ij = E_jᵀ a_i/√d:  ā_i = Σ s̄_ij E_j/√d
      double& s = s_bar[static_cast<std::size_t>(j)];
      s = scale * now.p[static_cast<std::size_t>(j)] * (s - mean);
      add_key(j, s, a_bar);
    }
    add_outer(a_bar, now.e, gradient.w);  // a_i = W e_i:        dW += ā_i e_iᵀ
    if (!through_tokens || i == 0) continue;
    // Adds ē_j to o_bar[j − 1], since e_j = o_{j−1}; e_0 is constant.
    column& last = o_bar[static_cast<std::size_t>(i - 1)];
    for (std::size_t r = 0; r < bar.size(); ++r) last[r] += bar[r];
    multiply_transposed(1, parameters.w, a_bar, 1, last);
    for (int j = 1; own_columns_ && j <= i; ++j) {
      const auto key = static_cast<std::size_t>(examples + j);
      column& e_bar = o_bar[static_cast<std::size_t>(j - 1)];
      for (std::size_t r = 0; r < bar.size(); ++r) e_bar[r] += now.p[key] * z_bar[r] + s_bar[key] * now.a[r];
    }
  }
}

}  // namespace cotscale
