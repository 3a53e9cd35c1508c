// Muon in plain loops (Jordan 2024): the direction that a matrix moves along.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

namespace cotscale::reference {

using rows = std::vector<std::vector<double>>;

inline rows plain_product(const rows& a, const rows& b) {
  rows out(a.size(), std::vector<double>(b.front().size()));
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < b.front().size(); ++j) {
      for (std::size_t l = 0; l < b.size(); ++l) out[i][j] += a[i][l] * b[l][j];
    }
  }
  return out;
}

inline rows plain_transpose(const rows& a) {
  rows out(a.front().size(), std::vector<double>(a.size()));
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < a.front().size(); ++j) out[j][i] = a[i][j];
  }
  return out;
}

/// zeropower_via_newtonschulz5 of Jordan's code, without rounding to bfloat16.
inline rows zeropower(rows x) {
  const bool tall = x.size() > x.front().size();
  if (tall) x = plain_transpose(x);
  double square = 0;
  for (const auto& row : x) {
    for (const double v : row) square += v * v;
  }
  for (auto& row : x) {
    for (double& v : row) v /= std::sqrt(square) + 1e-7;
  }
  for (int iteration = 0; iteration < 5; ++iteration) {
    const rows a = plain_product(x, plain_transpose(x)), aa = plain_product(a, a);
    rows b = a;
    for (std::size_t i = 0; i < a.size(); ++i) {
      for (std::size_t j = 0; j < a.size(); ++j) b[i][j] = -4.7750 * a[i][j] + 2.0315 * aa[i][j];
    }
    const rows bx = plain_product(b, x);
    for (std::size_t i = 0; i < x.size(); ++i) {
      for (std::size_t j = 0; j < x.front().size(); ++j) x[i][j] = 3.4445 * x[i][j] + bx[i][j];
    }
  }
  return tall ? plain_transpose(x) : x;
}

}  // namespace cotscale::reference
