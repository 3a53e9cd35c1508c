#include <algorithm>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/base/hash.hpp"
#include "cotscale/base/random.hpp"
#include "cotscale/config/part_definition.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/task/rows.hpp"

namespace cotscale {
namespace {

class row_sampler : public example_sampler {
 public:
  row_sampler(std::shared_ptr<const matrix> rows, double factor) : rows_(std::move(rows)), factor_(factor) {}

  void draw(stream_key key, std::uint64_t index, matrix& x) const override {
    std::vector<double> uniforms(static_cast<std::size_t>(x.columns()));
    fill_uniform(key_builder("rows of examples").add(key.low).add(key.high).key(), index, uniforms);
    for (int i = 0; i < x.columns(); ++i) {
      const auto row = static_cast<int>(uniforms[static_cast<std::size_t>(i)] * rows_->rows());
      const double* from =
          rows_->data() + static_cast<std::ptrdiff_t>(std::min(row, rows_->rows() - 1)) * rows_->columns();
      for (int j = 0; j < x.rows(); ++j) x(j, i) = factor_ * from[j];
    }
  }

 private:
  std::shared_ptr<const matrix> rows_;
  double factor_;
};

void require_finite(const matrix& rows, const std::string& origin) {
  for (int i = 0; i < rows.rows(); ++i) {
    for (int j = 0; j < rows.columns(); ++j) {
      if (std::isfinite(rows(i, j))) continue;
      throw specification_error(
          fmt::format("{}: the value in row {}, column {} is not finite; leave that row out", origin, i + 1, j + 1));
    }
  }
}

void require_no_constant(const matrix& rows, const std::string& origin) {
  for (int j = 0; j < rows.columns(); ++j) {
    bool constant = true;
    for (int i = 1; i < rows.rows(); ++i) constant = constant && rows(i, j) == rows(0, j);
    if (!constant) continue;
    throw specification_error(fmt::format(
        "{}: column {} is constant ({}), nothing can be learned from it; leave it out", origin, j + 1, rows(0, j)));
  }
}

void require_no_zeros(const matrix& rows, bool each_column, const std::string& origin) {
  bool any = false;
  for (int j = 0; j < rows.columns(); ++j) {
    bool zero = true;
    for (int i = 0; i < rows.rows(); ++i) zero = zero && rows(i, j) == 0;
    if (zero && each_column) {
      throw specification_error(
          fmt::format("{}: column {} is 0 in all rows, so that it has no scale; leave it out", origin, j + 1));
    }
    any = any || !zero;
  }
  if (!any) throw specification_error(fmt::format("{}: all values are 0, nothing can be learned from them", origin));
}

void subtract_means(matrix& rows) {
  for (int j = 0; j < rows.columns(); ++j) {
    double mean = 0;
    for (int i = 0; i < rows.rows(); ++i) mean += (rows(i, j) - mean) / (i + 1);  // no sum that could overflow
    for (int i = 0; i < rows.rows(); ++i) rows(i, j) -= mean;
  }
}

// Divides `rows` by the root of the mean square of its columns: of each, or of all together.
void divide(matrix& rows, row_scale scale, const std::string& origin) {
  std::vector<double> squares(static_cast<std::size_t>(rows.columns()));
  for (int i = 0; i < rows.rows(); ++i) {
    for (int j = 0; j < rows.columns(); ++j) {
      squares[static_cast<std::size_t>(j)] += rows(i, j) * rows(i, j) / rows.rows();
    }
  }
  for (const double square : squares) {
    if (std::isfinite(square)) continue;
    throw specification_error(
        fmt::format("{}: squares of its values are beyond what a double holds (1.8e308): scale them down", origin));
  }
  if (scale == row_scale::trace) {
    double mean = 0;
    for (const double s : squares) mean += s / rows.columns();
    std::fill(squares.begin(), squares.end(), mean);
  }
  for (int i = 0; i < rows.rows(); ++i) {
    for (int j = 0; j < rows.columns(); ++j) rows(i, j) /= std::sqrt(squares[static_cast<std::size_t>(j)]);
  }
}

// The mean of ‖x‖² x xᵀ, without a copy of all rows.
matrix mean_fourth(const matrix& rows) {
  constexpr int most = 4096;
  const int d = rows.columns();
  matrix out(d, d);
  for (int first = 0; first < rows.rows(); first += most) {
    const matrix some = rows.block(first, 0, std::min(most, rows.rows() - first), d);
    matrix weighted = some;
    for (int i = 0; i < some.rows(); ++i) {
      double square = 0;
      for (int j = 0; j < d; ++j) square += some(i, j) * some(i, j);
      for (int j = 0; j < d; ++j) weighted(i, j) *= square;
    }
    multiply(1.0 / rows.rows(), weighted, transpose::yes, some, transpose::no, 1, out);
  }
  return out;
}

// Λ, whose eigenvalues count as 0 where they are rounding beside the largest; a column must not be lost by that.
covariance covariance_of(const matrix& rows, const std::string& origin) {
  matrix second(rows.columns(), rows.columns());
  multiply(1.0 / rows.rows(), rows, transpose::yes, rows, transpose::no, 0, second);
  try {
    covariance out = covariance::from_matrix(second);
    for (int j = 0; j < rows.columns(); ++j) {
      if (std::abs(out.values()(j, j) - second(j, j)) <= 1e-3 * second(j, j)) continue;
      throw specification_error(
          fmt::format("column {} has a mean square of {:.3g}, which is lost beside that of others; use rows_scale = "
                      "\"unit_variance\", or leave it out",
                      j + 1, second(j, j)));
    }
    return out;
  } catch (const specification_error& e) {
    throw specification_error(fmt::format("{}: of its rows, {}", origin, e.what()));
  }
}

// Of the values as they were given, for those that were centred may differ between hosts in the last bit.
std::string identity_of(const matrix& rows, bool centre, row_scale scale) {
  sha256_sum sum;
  const std::span<const double> values = rows.values();
  sum.add({reinterpret_cast<const char*>(values.data()), values.size_bytes()});
  return fmt::format("{} {} {} {} {}", rows.rows(), rows.columns(), centre, static_cast<int>(scale), sum.hexadecimal());
}

}  // namespace

void row_distribution::take(matrix rows, const std::string& origin) {
  if (rows.rows() < 2 || rows.columns() < 1) {
    throw specification_error(fmt::format("{}: {} rows of {} columns; there must be at least 2 rows of 1 column",
                                          origin, rows.rows(), rows.columns()));
  }
  require_finite(rows, origin);
  std::string identity = identity_of(rows, centre, scale);
  if (centre) {
    require_no_constant(rows, origin);
    subtract_means(rows);
  }
  require_no_zeros(rows, scale == row_scale::unit_variance, origin);
  if (scale != row_scale::none) divide(rows, scale, origin);
  require_finite(rows, origin);
  covariance lambda = covariance_of(rows, origin);
  matrix fourth = mean_fourth(rows);
  data_ = std::make_shared<const data>(data{.rows = std::move(rows),
                                            .lambda = std::move(lambda),
                                            .fourth = std::move(fourth),
                                            .identity = std::move(identity)});
}

const row_distribution::data& row_distribution::known() const {
  expects(data_ != nullptr, "row_distribution: {} was not read", file.name);
  return *data_;
}

// Λ may be in other units than the rows', but not of another shape. The factor of a power of four is exact.
double row_distribution::factor(const covariance& given) const {
  const covariance& own = own_covariance();
  const double ratio = given.trace() / own.trace();
  if (given.dimension() == own.dimension() && std::isfinite(ratio)) {
    const matrix gap = combination(1, given.values(), -ratio, own.values());
    if (frobenius_norm(gap) <= 1e-8 * frobenius_norm(given.values())) return std::sqrt(ratio);
  }
  throw specification_error(
      fmt::format("features = \"rows\" have a covariance of their own, (d, d) with d = {}: it can be neither rotated "
                  "nor replaced; choose other features, or rotation = \"none\" and no spectrum",
                  own.dimension()));
}

matrix row_distribution::fourth_moment(const covariance& given) const {
  const double f = factor(given);
  return combination(f * f * f * f, known().fourth, 0, known().fourth);
}

std::unique_ptr<const example_sampler> row_distribution::sampler(const covariance& given) const {
  return std::make_unique<row_sampler>(std::shared_ptr<const matrix>(data_, &known().rows), factor(given));
}

void row_distribution::identify(key_builder& key) const { key.add(word()).add(known().identity); }

template const feature_distribution& config::part<feature_distribution, row_distribution>();

}  // namespace cotscale
