#include "cotscale/linalg/lane_matrices.hpp"

#include <algorithm>
#include <cmath>

#include "cotscale/base/error.hpp"
#include "cotscale/linalg/lane_pack.hpp"

namespace cotscale {
namespace {

using detail::pack;
using detail::packs;

void reshape(square_lanes& a, int size) {
  a.size = size;
  a.packed.reshape(size * size, lane_count);
}

// The block c (R, C) of a·b, R·C sums in registers; `d` numbers from one row to the next.
template<int R, int C>
void multiply_block(int d, const pack* a, const pack* b, pack* c) {
  pack sum[R][C] = {};
  for (int l = 0; l < d; ++l) {
    for (int i = 0; i < R; ++i) {
      const pack x = a[i * d + l];
      for (int j = 0; j < C; ++j) sum[i][j] += x * b[l * d + j];
    }
  }
  for (int i = 0; i < R; ++i) {
    for (int j = 0; j < C; ++j) c[i * d + j] = sum[i][j];
  }
}

template<int R>
void multiply_rows(int d, const pack* a, const pack* b, pack* c) {
  int j = 0;
  for (; j + 4 <= d; j += 4) multiply_block<R, 4>(d, a, b + j, c + j);
  for (; j + 2 <= d; j += 2) multiply_block<R, 2>(d, a, b + j, c + j);
  for (; j < d; ++j) multiply_block<R, 1>(d, a, b + j, c + j);
}

// t = a·L, (d, r), dense.
void multiply_trapezoid(const matrix& a, const trapezoid_lanes& l, matrix& t) {
  const int r = l.columns;
  t.reshape(l.rows * r, lane_count);
  std::fill_n(t.data(), t.size(), 0.0);
  const pack* values = packs(l.packed);
  for (int i = 0; i < l.rows; ++i) {
    pack* row = packs(t) + static_cast<std::ptrdiff_t>(i) * r;
    for (int p = 0; p < l.rows; ++p) {
      const double factor = a(i, p);
      if (factor == 0) continue;  // preconditioners are often diagonal
      const pack* other = values + l.row(p);
      for (int j = 0; j < l.row_length(p); ++j) row[j] += factor * other[j];
    }
  }
}

}  // namespace

void step_lanes(double scale, const matrix& a, const trapezoid_lanes& l, square_lanes& b) {
  const int d = l.rows, r = l.columns;
  expects(a.rows() == d && a.columns() == d, "step_lanes: a ({}, {}), L ({}, {})", a.rows(), a.columns(), d, r);
  thread_local matrix t;
  multiply_trapezoid(a, l, t);
  reshape(b, d);
  for (int i = 0; i < d; ++i) {
    const pack* left = packs(t) + static_cast<std::ptrdiff_t>(i) * r;
    for (int j = 0; j < d; ++j) {
      const pack* right = packs(l.packed) + l.row(j);
      pack sum = {};
      for (int c = 0; c < l.row_length(j); ++c) sum += left[c] * right[c];
      packs(b.packed)[i * d + j] = (i == j ? 1.0 : 0.0) - scale * sum;
    }
  }
}

void multiply_lanes(const square_lanes& a, const square_lanes& b, square_lanes& c) {
  expects(a.size == b.size, "multiply_lanes: sizes {} and {}", a.size, b.size);
  const int d = a.size;
  reshape(c, d);
  int i = 0;
  const auto row = [d](auto* first, int number) { return first + static_cast<std::ptrdiff_t>(number) * d; };
  for (; i + 4 <= d; i += 4) multiply_rows<4>(d, row(packs(a.packed), i), packs(b.packed), row(packs(c.packed), i));
  for (; i + 2 <= d; i += 2) multiply_rows<2>(d, row(packs(a.packed), i), packs(b.packed), row(packs(c.packed), i));
  for (; i < d; ++i) multiply_rows<1>(d, row(packs(a.packed), i), packs(b.packed), row(packs(c.packed), i));
}

lane_values squared_norms(const square_lanes& a) {
  constexpr int chains = 4;  // of sums that do not wait for one another
  pack sum[chains] = {};
  const int count = a.size * a.size;
  for (int i = 0; i < count; ++i) sum[i % chains] += packs(a.packed)[i] * packs(a.packed)[i];
  const pack total = (sum[0] + sum[1]) + (sum[2] + sum[3]);
  lane_values out;
  for (int lane = 0; lane < lane_count; ++lane) out[static_cast<std::size_t>(lane)] = total[lane];
  return out;
}

void congruence_lanes(double scale, const matrix& a, const trapezoid_lanes& l, square_lanes& s) {
  const int d = l.rows, r = l.columns;
  expects(a.rows() == d && a.columns() == d, "congruence_lanes: a ({}, {}), L ({}, {})", a.rows(), a.columns(), d, r);
  thread_local matrix t;
  multiply_trapezoid(a, l, t);
  reshape(s, r);
  std::fill_n(s.packed.data(), s.packed.size(), 0.0);
  for (int p = 0; p < d; ++p) {
    const pack* left = packs(l.packed) + l.row(p);
    const pack* right = packs(t) + static_cast<std::ptrdiff_t>(p) * r;
    for (int i = 0; i < l.row_length(p); ++i) {
      pack* row = packs(s.packed) + static_cast<std::ptrdiff_t>(i) * r;
      for (int j = 0; j <= i; ++j) row[j] += scale * left[i] * right[j];
    }
  }
  for (int i = 0; i < r; ++i) {
    for (int j = 0; j < i; ++j) packs(s.packed)[j * r + i] = packs(s.packed)[i * r + j];
  }
}

lane_values largest_eigenvalues(const square_lanes& s, const matrix& start) {
  const int r = s.size;
  expects(start.rows() >= r && start.columns() == lane_count, "largest_eigenvalues: start ({}, {}) of size {}",
          start.rows(), start.columns(), r);
  constexpr int iterations = 12;
  thread_local matrix v, product;
  v = start.block(0, 0, r, lane_count);
  product.reshape(r, lane_count);
  pack along = {}, square = {};
  for (int step = 0; step < iterations; ++step) {
    along = square = pack{};
    pack largest = {};
    for (int i = 0; i < r; ++i) {
      pack sum = {};
      for (int j = 0; j < r; ++j) sum += packs(s.packed)[i * r + j] * packs(v)[j];
      packs(product)[i] = sum;
      along += sum * packs(v)[i];
      square += packs(v)[i] * packs(v)[i];
      for (int lane = 0; lane < lane_count; ++lane) largest[lane] = std::max(largest[lane], std::abs(sum[lane]));
    }
    pack unit = {};
    for (int lane = 0; lane < lane_count; ++lane) unit[lane] = largest[lane] > 0 ? 1.0 / largest[lane] : 1.0;
    for (int i = 0; i < r; ++i) packs(v)[i] = packs(product)[i] * unit;
  }
  lane_values out;
  for (int lane = 0; lane < lane_count; ++lane) {
    const double value = along[lane] / square[lane];
    out[static_cast<std::size_t>(lane)] = square[lane] == 0 ? 0 : value;
  }
  return out;
}

std::array<bool, lane_count> exceeds(const square_lanes& s, double bound) {
  const int r = s.size;
  thread_local square_lanes rest;
  reshape(rest, r);
  for (int i = 0; i < r; ++i) {
    for (int j = 0; j <= i; ++j) {
      packs(rest.packed)[i * r + j] = (i == j ? bound : 0.0) - packs(s.packed)[i * r + j];
    }
  }
  // bound·I − s = L D Lᵀ: an eigenvalue of s is above the bound where an entry of D is below zero.
  std::array<bool, lane_count> out{};
  for (int p = 0; p < r; ++p) {
    pack* column = packs(rest.packed);
    pack pivot = column[p * r + p];
    for (std::size_t lane = 0; lane < out.size(); ++lane) {
      if (!(pivot[lane] >= 0) || std::isinf(pivot[lane])) out[lane] = true;
      if (!(pivot[lane] > 0)) pivot[lane] = bound * 1e-300;
    }
    const pack inverse = 1.0 / pivot;
    for (int i = p + 1; i < r; ++i) {
      const pack factor = column[i * r + p] * inverse;
      for (int j = p + 1; j <= i; ++j) column[i * r + j] -= factor * column[j * r + p];
    }
  }
  return out;
}

}  // namespace cotscale
