#include "cotscale/linalg/lanes.hpp"

#include <algorithm>

#include "cotscale/base/error.hpp"

namespace cotscale {
namespace {

// One component of the eight vectors; may stand at any multiple of 8 bytes.
using pack = double __attribute__((vector_size(8 * lane_count), aligned(8), may_alias));

const pack* packs(const matrix& x) { return reinterpret_cast<const pack*>(x.data()); }
pack* packs(matrix& x) { return reinterpret_cast<pack*>(x.data()); }

void require_lanes(const matrix& x, int rows, const char* what) {
  expects(x.rows() == rows && x.columns() == lane_count, "{}: expected ({}, {}) values, got ({}, {})", what, rows,
          lane_count, x.rows(), x.columns());
}

// Rows i … i + R − 1 of a·x, with R sums in registers.
template<int R, bool adding>
void multiply_rows(double alpha, const matrix& a, int i, const pack* x, pack* y) {
  const int columns = a.columns();
  const double* row = a.data() + static_cast<std::size_t>(i) * static_cast<std::size_t>(columns);
  pack sum[R] = {};
  for (int j = 0; j < columns; ++j) {
    const pack xj = x[j];
    for (int r = 0; r < R; ++r) sum[r] += row[r * columns + j] * xj;
  }
  for (int r = 0; r < R; ++r) {
    if constexpr (adding) {
      y[i + r] += alpha * sum[r];
    } else {
      y[i + r] = sum[r];
    }
  }
}

template<bool adding>
void multiply_all(double alpha, const matrix& a, const matrix& x, matrix& y) {
  int i = 0;
  for (; i + 8 <= a.rows(); i += 8) multiply_rows<8, adding>(alpha, a, i, packs(x), packs(y));
  for (; i + 4 <= a.rows(); i += 4) multiply_rows<4, adding>(alpha, a, i, packs(x), packs(y));
  for (; i < a.rows(); ++i) multiply_rows<1, adding>(alpha, a, i, packs(x), packs(y));
}

constexpr int block = 4;  // rows of L that are worked on together, to read and write the other vector less often

// v += Lᵀ x
void multiply_transposed(const trapezoid_lanes& l, const pack* x, pack* v) {
  const pack* values = packs(l.packed);
  int i = 0;
  for (; i + block <= l.rows; i += block) {
    const pack* row[block];
    for (int b = 0; b < block; ++b) row[b] = values + l.row(i + b);
    const int common = l.row_length(i);
    for (int j = 0; j < common; ++j) {
      pack sum = v[j];
      for (int b = 0; b < block; ++b) sum += row[b][j] * x[i + b];
      v[j] = sum;
    }
    for (int b = 1; b < block; ++b) {
      for (int j = common; j < l.row_length(i + b); ++j) v[j] += row[b][j] * x[i + b];
    }
  }
  for (; i < l.rows; ++i) {
    const pack* row = values + l.row(i);
    for (int j = 0; j < l.row_length(i); ++j) v[j] += row[j] * x[i];
  }
}

// y = scale · L v
void multiply_plain(double scale, const trapezoid_lanes& l, const pack* v, pack* y) {
  const pack* values = packs(l.packed);
  int i = 0;
  for (; i + block <= l.rows; i += block) {
    const pack* row[block];
    for (int b = 0; b < block; ++b) row[b] = values + l.row(i + b);
    const int common = l.row_length(i);
    pack sum[block] = {};
    for (int j = 0; j < common; ++j) {
      for (int b = 0; b < block; ++b) sum[b] += row[b][j] * v[j];
    }
    for (int b = 0; b < block; ++b) {
      for (int j = common; j < l.row_length(i + b); ++j) sum[b] += row[b][j] * v[j];
      y[i + b] = scale * sum[b];
    }
  }
  for (; i < l.rows; ++i) {
    const pack* row = values + l.row(i);
    pack sum = {};
    for (int j = 0; j < l.row_length(i); ++j) sum += row[j] * v[j];
    y[i] = scale * sum;
  }
}

}  // namespace

void multiply_lanes(const matrix& a, const matrix& x, matrix& y) {
  require_lanes(x, a.columns(), "multiply_lanes");
  y.reshape(a.rows(), lane_count);
  multiply_all<false>(1, a, x, y);
}

void multiply_add_lanes(double alpha, const matrix& a, const matrix& x, matrix& y) {
  require_lanes(x, a.columns(), "multiply_add_lanes");
  require_lanes(y, a.rows(), "multiply_add_lanes");
  multiply_all<true>(alpha, a, x, y);
}

void gram_multiply(double scale, const trapezoid_lanes& l, const matrix& x, matrix& scratch, matrix& y) {
  require_lanes(x, l.rows, "gram_multiply");
  scratch.reshape(l.columns, lane_count);
  std::fill_n(scratch.data(), scratch.size(), 0.0);
  multiply_transposed(l, packs(x), packs(scratch));
  y.reshape(l.rows, lane_count);
  multiply_plain(scale, l, packs(scratch), packs(y));
}

matrix gram_of_lane(double scale, const trapezoid_lanes& l, int lane) {
  expects(lane >= 0 && lane < lane_count, "gram_of_lane: there is no lane {}", lane);
  matrix out(l.rows, l.rows);
  for (int i = 0; i < l.rows; ++i) {
    for (int j = 0; j <= i; ++j) {
      double sum = 0;
      for (int c = 0; c < l.row_length(j); ++c) {
        sum += l.packed(static_cast<int>(l.row(i)) + c, lane) * l.packed(static_cast<int>(l.row(j)) + c, lane);
      }
      out(i, j) = out(j, i) = scale * sum;
    }
  }
  return out;
}

}  // namespace cotscale
