#include "cotscale/linalg/lanes.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "cotscale/base/error.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/linalg/lane_pack.hpp"

namespace cotscale {
namespace {

using detail::pack;
using detail::packs;

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

// x ← C⁻ᵀ x for lower triangles C.
void back_substitute(const trapezoid_lanes& c, matrix& x) {
  pack* solution = packs(x);
  for (int i = c.rows - 1; i >= 0; --i) {
    const pack* ci = packs(c.packed) + c.row(i);
    solution[i] /= ci[i];
    for (int j = 0; j < i; ++j) solution[j] -= ci[j] * solution[i];
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
  matrix dense(l.rows, l.columns);
  for (int i = 0; i < l.rows; ++i) {
    for (int j = 0; j < l.row_length(i); ++j) dense(i, j) = l.packed(static_cast<int>(l.row(i)) + j, lane);
  }
  matrix out;
  gram(scale, dense, out);
  return out;
}

void gram_lanes(double scale, const trapezoid_lanes& l, trapezoid_lanes& s) {
  s.rows = s.columns = l.rows;
  s.packed.reshape(trapezoid_size(s.rows, s.columns), lane_count);
  for (int i = 0; i < l.rows; ++i) {
    const pack* a = packs(l.packed) + l.row(i);
    for (int j = 0; j <= i; ++j) {
      const pack* b = packs(l.packed) + l.row(j);
      pack sum = {};
      for (int c = 0; c < l.row_length(j); ++c) sum += a[c] * b[c];
      packs(s.packed)[s.row(i) + static_cast<std::size_t>(j)] = scale * sum;
    }
  }
}

void solve_shifted(const trapezoid_lanes& s, double shift, trapezoid_lanes& factor, matrix& x) {
  require_lanes(x, s.rows, "solve_shifted");
  factor = s;
  pack* values = packs(factor.packed);
  pack* solution = packs(x);
  const auto row = [&](int i) { return values + factor.row(i); };
  // S + shift·I = C Cᵀ and, on the way, x ← C⁻¹ x
  for (int i = 0; i < s.rows; ++i) {
    pack* ci = row(i);
    for (int j = 0; j < i; ++j) {
      const pack* cj = row(j);
      for (int c = 0; c < j; ++c) ci[j] -= ci[c] * cj[c];
      ci[j] /= cj[j];
      ci[i] -= ci[j] * ci[j];
      solution[i] -= ci[j] * solution[j];
    }
    for (int lane = 0; lane < lane_count; ++lane) ci[i][lane] = std::sqrt(ci[i][lane] + shift);
    solution[i] /= ci[i];
  }
  back_substitute(factor, x);
}

double largest_square(const trapezoid_lanes& l) {
  pack total = {};
  for (int i = 0; i < l.packed.rows(); ++i) total += packs(l.packed)[i] * packs(l.packed)[i];
  double largest = 0;
  for (int lane = 0; lane < lane_count; ++lane) largest = std::max(largest, total[lane]);
  return largest;
}

void solve_shifted_factor(const trapezoid_lanes& l, double shift, trapezoid_lanes& factor, matrix& x) {
  require_lanes(x, l.rows, "solve_shifted_factor");
  const int d = l.rows;
  factor.rows = factor.columns = d;
  factor.packed.reshape(trapezoid_size(d, d), lane_count);
  std::fill_n(factor.packed.data(), factor.packed.size(), 0.0);
  for (int i = 0; i < d; ++i) {
    std::copy_n(packs(l.packed) + l.row(i), l.row_length(i), packs(factor.packed) + factor.row(i));
  }
  matrix column(d, lane_count);
  pack* v = packs(column);
  pack* values = packs(factor.packed);
  const auto at = [&](int i, int j) -> pack& { return values[factor.row(i) + static_cast<std::size_t>(j)]; };
  for (int added = 0; added < d; ++added) {  // the column √shift·e_added
    std::fill_n(column.data(), column.size(), 0.0);
    for (int lane = 0; lane < lane_count; ++lane) column(added, lane) = std::sqrt(shift);
    for (int j = added; j < d; ++j) {  // v_j is rotated into column j
      pack cosine = {}, sine = {};
      for (int lane = 0; lane < lane_count; ++lane) {
        const double a = at(j, j)[lane], b = v[j][lane], length = std::sqrt(a * a + b * b);
        cosine[lane] = length > 0 ? a / length : 1;
        sine[lane] = length > 0 ? b / length : 0;
      }
      for (int i = j; i < d; ++i) {
        const pack c = at(i, j);
        at(i, j) = cosine * c + sine * v[i];
        v[i] = cosine * v[i] - sine * c;
      }
    }
  }
  pack* solution = packs(x);
  for (int i = 0; i < d; ++i) {  // x ← C⁻¹ x
    for (int j = 0; j < i; ++j) solution[i] -= at(i, j) * solution[j];
    solution[i] /= at(i, i);
  }
  back_substitute(factor, x);
}

void project_out(const trapezoid_lanes& l, int rank, matrix& x) {
  require_lanes(x, l.rows, "project_out");
  expects(rank >= 0 && rank <= l.columns, "project_out: rank {} of {} columns", rank, l.columns);
  const auto d = static_cast<std::size_t>(l.rows);
  // Squares of lengths, of what is left of a column of length one.
  const double dependent = std::pow(16 * l.rows * std::numeric_limits<double>::epsilon(), 2);
  constexpr double cancelled = 0.25;  // less is left: that has to be projected again
  constexpr int most_passes = 24;     // each resolves another ε of a double's range
  matrix columns(l.rows * l.columns, lane_count);
  pack* q = packs(columns);
  const auto dot = [&](const pack* a, const pack* b) {
    pack sum = {};
    for (std::size_t i = 0; i < d; ++i) sum += a[i] * b[i];
    return sum;
  };
  const auto subtract = [&](const pack* direction, pack* from) {
    const pack factor = dot(direction, from);
    for (std::size_t i = 0; i < d; ++i) from[i] -= factor * direction[i];
  };
  // The column of length one; nothing in lanes where its square is zero or, if they are counted, there are enough.
  const auto normalise = [&](pack* column, const pack& square, pack* count) {
    pack inverse = {};
    for (int lane = 0; lane < lane_count; ++lane) {
      if (!(square[lane] > 0) || (count != nullptr && (*count)[lane] >= rank)) continue;
      inverse[lane] = 1 / std::sqrt(square[lane]);
      if (count != nullptr) (*count)[lane] += 1;
    }
    for (std::size_t i = 0; i < d; ++i) column[i] *= inverse;
  };
  pack found = {};
  for (int j = 0; j < l.columns; ++j) {
    pack* column = q + static_cast<std::size_t>(j) * d;
    for (int i = j; i < l.rows; ++i) column[i] = packs(l.packed)[l.row(i) + static_cast<std::size_t>(j)];
    pack left = dot(column, column);
    normalise(column, left, nullptr);
    double least_left = 1;
    for (int pass = 0; pass < most_passes && (pass < 2 || least_left < cancelled); ++pass) {
      for (int other = 0; other < j; ++other) subtract(q + static_cast<std::size_t>(other) * d, column);
      left = dot(column, column);
      least_left = 1;
      for (int lane = 0; lane < lane_count; ++lane) {
        if (pass == 0 && rank < l.columns && left[lane] <= dependent) left[lane] = 0;  // rounding is no direction
        if (left[lane] > 0) least_left = std::min(least_left, left[lane]);
      }
      normalise(column, left, nullptr);
    }
    left = dot(column, column);
    normalise(column, left, &found);
    subtract(column, packs(x));
  }
}

}  // namespace cotscale
