#include "cotscale/model/lsa_chain.hpp"

#include <algorithm>

#include "cotscale/base/error.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/linalg/lane_pack.hpp"

namespace cotscale {
namespace {

using detail::pack;
using detail::packs;

void transpose_into(const matrix& a, matrix& out) {
  out.reshape(a.columns(), a.rows());
  for (int i = 0; i < a.rows(); ++i) {
    for (int j = 0; j < a.columns(); ++j) out(j, i) = a(i, j);
  }
}

void set_zero(matrix& a) { std::fill_n(a.data(), a.size(), 0.0); }

// y += s x
void add_scaled(pack s, const matrix& x, matrix& y) {
  const pack* from = packs(x);
  pack* to = packs(y);
  for (int i = 0; i < x.rows(); ++i) to[i] += s * from[i];
}

// xᵀ y
pack dot(const matrix& x, const matrix& y) {
  const pack* a = packs(x);
  const pack* b = packs(y);
  pack sum = {};
  for (int i = 0; i < x.rows(); ++i) sum += a[i] * b[i];
  return sum;
}

// z += (xᵀ y/ρ) to
void add_along(const matrix& x, const matrix& y, double rho, const matrix& to, matrix& z) {
  add_scaled(dot(x, y) / rho, to, z);
}

void set_columns(matrix& wide, int first, const matrix& lanes) {
  for (int i = 0; i < lanes.rows(); ++i) *reinterpret_cast<pack*>(&wide(i, first)) = packs(lanes)[i];
}

}  // namespace

void transpose_into(const lsa_parameters& parameters, lsa_parameters& out) {
  transpose_into(parameters.v, out.v);
  transpose_into(parameters.w, out.w);
}

// ---- gradient ----

void lsa_gradient_sum::start(int d, int columns) {
  expects(d >= 1 && columns >= 0 && columns % lane_count == 0, "lsa_gradient_sum: d = {}, columns = {}", d, columns);
  constexpr int most_columns = 256;  // four such matrices stay in the cache
  const int blocks = columns / lane_count;
  const int flushes = std::max(1, (columns + most_columns - 1) / most_columns);
  const int capacity = lane_count * ((blocks + flushes - 1) / flushes);
  const int rows = lsa_rows{d}.count();
  for (matrix* wide : {&o_bar_, &z_, &a_bar_, &e_}) wide->reshape(rows, capacity);
  for (matrix* sum : {&sum_.v, &sum_.w}) {
    sum->reshape(rows, rows);
    set_zero(*sum);
  }
  used_ = 0;
}

void lsa_gradient_sum::add(const matrix& o_bar, const matrix& z, const matrix& a_bar, const matrix& e) {
  if (used_ == o_bar_.columns()) flush();
  set_columns(o_bar_, used_, o_bar);
  set_columns(z_, used_, z);
  set_columns(a_bar_, used_, a_bar);
  set_columns(e_, used_, e);
  used_ += lane_count;
}

void lsa_gradient_sum::flush() {
  if (used_ == 0) return;
  for (matrix* wide : {&o_bar_, &z_, &a_bar_, &e_}) {
    for (int i = 0; i < wide->rows(); ++i) std::fill_n(&(*wide)(i, 0) + used_, wide->columns() - used_, 0.0);
  }
  multiply(1, o_bar_, transpose::no, z_, transpose::yes, 1, sum_.v);
  multiply(1, a_bar_, transpose::no, e_, transpose::yes, 1, sum_.w);
  used_ = 0;
}

const lsa_parameters& lsa_gradient_sum::finish() {
  flush();
  return sum_;
}

// ---- forward ----

void lsa_chain::start(const prompt_lanes& prompt) {
  expects(prompt.m >= 1 && prompt.w.columns() == lane_count && prompt.factor.rows == prompt.w.rows(),
          "lsa_chain: m = {}, w ({}, {}), L with {} rows", prompt.m, prompt.w.rows(), prompt.w.columns(),
          prompt.factor.rows);
  prompt_ = &prompt;
  tokens_ = 0;
  if (steps_.empty()) steps_.emplace_back();
  const lsa_rows rows{prompt.w.rows()};
  matrix& first = steps_.front().e;
  first.reshape(rows.count(), lane_count);
  set_zero(first);
  std::fill_n(&first(rows.flag(), 0), lane_count, 1.0);
  tokens_ = 1;
}

void lsa_chain::append(const matrix& token) {
  const int rows = tokens_ >= 1 ? steps_.front().e.rows() : 0;
  expects(tokens_ >= 1 && token.rows() == rows && token.columns() == lane_count,
          "lsa_chain: a token ({}, {}) after {} tokens of {} rows", token.rows(), token.columns(), tokens_, rows);
  const auto next = static_cast<std::size_t>(tokens_);
  if (next == steps_.size()) {
    step grown;
    grown.e = token;  // before steps_ moves: the token may be one of its outputs
    steps_.push_back(std::move(grown));
  } else {
    steps_[next].e.reshape(rows, lane_count);
    std::copy_n(token.data(), token.size(), steps_[next].e.data());
  }
  ++tokens_;
}

// z = (G₀ + Σ_{j≤last} e_j e_jᵀ) a/ρ. The matrix is symmetric: the backward pass multiplies by it too.
void lsa_chain::attend(int last, const matrix& a, matrix& z) {
  const lsa_rows rows{prompt_->w.rows()};
  const pack* w = packs(prompt_->w);
  query_.reshape(rows.d, lane_count);
  for (int l = 0; l < rows.d; ++l) packs(query_)[l] = packs(a)[l] + w[l] * packs(a)[rows.label()];
  multiply_covariance(*prompt_, query_, scratch_, answer_);  // u = Ŝ (a_x + w a_y)
  const bool noisy = prompt_->has_noise();
  if (noisy) add_scaled(packs(a)[rows.label()], prompt_->noise, answer_);  // u = … + e a_y
  z.reshape(rows.count(), lane_count);
  set_zero(z);
  pack label = {};
  for (int l = 0; l < rows.d; ++l) {
    packs(z)[l] = packs(answer_)[l];
    label += w[l] * packs(answer_)[l];
  }
  if (noisy) {  // wᵀu + eᵀ(a_x + w a_y) + (εᵀε/m) a_y
    label += dot(prompt_->noise, query_);
    label += *reinterpret_cast<const pack*>(prompt_->noise_square.data()) * packs(a)[rows.label()];
  }
  packs(z)[rows.label()] = label;
  for (int j = 0; j <= last; ++j) add_along(token(j), a, prompt_->m, token(j), z);
}

const matrix& lsa_chain::apply(const lsa_parameters& parameters) {
  expects(tokens_ >= 1, "lsa_chain: apply before start");
  step& now = steps_[static_cast<std::size_t>(tokens_ - 1)];
  multiply_lanes(parameters.w, now.e, now.a);  // a_i = W e_i
  attend(tokens_ - 1, now.a, now.z);           // z_i = (G₀ + Σ e_j e_jᵀ) a_i/ρ
  now.o = now.e;                               // o_i = e_i + V z_i
  multiply_add_lanes(1, parameters.v, now.z, now.o);
  return now.o;
}

// ---- backward ----

void lsa_chain::backward(const lsa_parameters& transposed, bool through_tokens, std::vector<matrix>& o_bar,
                         lsa_gradient_sum& gradient) {
  expects(o_bar.size() >= static_cast<std::size_t>(tokens_), "lsa_chain: {} derivatives for {} outputs", o_bar.size(),
          tokens_);
  for (int i = tokens_ - 1; i >= 0; --i) {
    const step& now = steps_[static_cast<std::size_t>(i)];
    const matrix& bar = o_bar[static_cast<std::size_t>(i)];
    multiply_lanes(transposed.v, bar, z_bar_);  // o_i = e_i + V z_i:      z̄_i = Vᵀ ō_i, dV += ō_i z_iᵀ
    attend(i, z_bar_, a_bar_);                  // z_i = (G₀ + …) a_i/ρ:   ā_i = (G₀ + …) z̄_i/ρ
    gradient.add(bar, now.z, a_bar_, now.e);    // a_i = W e_i:            dW += ā_i e_iᵀ
    if (through_tokens) backward_tokens(i, transposed, o_bar);
  }
}

// Adds ē_j of application i to o_bar[j − 1], since e_j = o_{j−1}; e_0 is constant.
void lsa_chain::backward_tokens(int i, const lsa_parameters& transposed, std::vector<matrix>& o_bar) {
  if (i == 0) return;
  const step& now = steps_[static_cast<std::size_t>(i)];
  matrix& last = o_bar[static_cast<std::size_t>(i - 1)];
  add_scaled(pack{} + 1.0, o_bar[static_cast<std::size_t>(i)], last);  // o_i = e_i + V z_i:   ē_i += ō_i
  multiply_add_lanes(1, transposed.w, a_bar_, last);                   // a_i = W e_i:         ē_i += Wᵀ ā_i
  const double rho = prompt_->m;
  for (int j = 1; j <= i; ++j) {
    // z_i = … + e_j s, s = e_jᵀ a_i/ρ:   ē_j += s z̄_i + s̄ a_i, s̄ = e_jᵀ z̄_i/ρ
    matrix& e_bar = o_bar[static_cast<std::size_t>(j - 1)];
    add_along(token(j), now.a, rho, z_bar_, e_bar);
    add_along(token(j), z_bar_, rho, now.a, e_bar);
  }
}

// ---- evaluation ----

void chain_errors(const lsa_parameters& parameters, const prompt_lanes& prompt, matrix& errors) {
  const int d = prompt.w.rows();
  expects(errors.rows() >= 1 && errors.columns() == lane_count && parameters.dimension() == d,
          "chain_errors: errors ({}, {}), d = {}, of the prompt {}", errors.rows(), errors.columns(),
          parameters.dimension(), d);
  thread_local lsa_chain chain;
  chain.start(prompt);
  for (int k = 0;; ++k) {
    const matrix& e = chain.token(k);
    pack sum = {};
    for (int l = 0; l < d; ++l) {
      const pack difference = packs(e)[lsa_rows{d}.weight() + l] - packs(prompt.w)[l];
      sum += difference * difference;
    }
    packs(errors)[k] = sum;
    if (k + 1 == errors.rows()) return;
    chain.append(chain.apply(parameters));
  }
}

}  // namespace cotscale
