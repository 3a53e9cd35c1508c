#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/base/random.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/task/feature_parts.hpp"

namespace cotscale {
namespace {

class row_sampler : public example_sampler {
 public:
  row_sampler(matrix rows, double factor) : rows_(std::move(rows)) {
    for (double& value : rows_.values()) value *= factor;
  }

  void draw(stream_key key, std::uint64_t index, matrix& x) const override {
    std::vector<double> uniforms(static_cast<std::size_t>(x.columns()));
    fill_uniform(key_builder("rows of examples").add(key.low).add(key.high).key(), index, uniforms);
    for (int i = 0; i < x.columns(); ++i) {
      const auto row = static_cast<int>(uniforms[static_cast<std::size_t>(i)] * rows_.rows());
      const double* from =
          rows_.data() + static_cast<std::ptrdiff_t>(std::min(row, rows_.rows() - 1)) * rows_.columns();
      for (int j = 0; j < x.rows(); ++j) x(j, i) = from[j];
    }
  }

 private:
  matrix rows_;
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

void subtract_means(matrix& rows) {
  for (int j = 0; j < rows.columns(); ++j) {
    double mean = 0;
    for (int i = 0; i < rows.rows(); ++i) mean += (rows(i, j) - mean) / (i + 1);  // no sum that could overflow
    for (int i = 0; i < rows.rows(); ++i) rows(i, j) -= mean;
  }
}

// Divides `rows` by the root of the mean square of its columns: of each, or of all together.
void divide(matrix& rows, row_scale scale) {
  std::vector<double> squares(static_cast<std::size_t>(rows.columns()));
  for (int i = 0; i < rows.rows(); ++i) {
    for (int j = 0; j < rows.columns(); ++j) {
      squares[static_cast<std::size_t>(j)] += rows(i, j) * rows(i, j) / rows.rows();
    }
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

}  // namespace

const feature_part row_distribution::part{
    "rows", "rows of a data set (`file`), drawn with replacement; Λ is theirs",
    []() -> std::unique_ptr<feature_distribution> { return std::make_unique<row_distribution>(); }};

void row_distribution::take(matrix rows, const std::string& origin) {
  if (rows.rows() < 2 || rows.columns() < 1) {
    throw specification_error(fmt::format("{}: {} rows of {} columns; there must be at least 2 rows of 1 column",
                                          origin, rows.rows(), rows.columns()));
  }
  require_finite(rows, origin);
  if (options.centre) {
    require_no_constant(rows, origin);
    subtract_means(rows);
  }
  const bool zero = std::all_of(rows.values().begin(), rows.values().end(), [](double x) { return x == 0; });
  if (zero) throw specification_error(fmt::format("{}: all values are 0, nothing can be learned from them", origin));
  if (options.scale != row_scale::none) divide(rows, options.scale);
  const int count = rows.rows(), d = rows.columns();
  matrix second(d, d), weighted = rows;
  multiply(1.0 / count, rows, transpose::yes, rows, transpose::no, 0, second);
  try {
    require_finite(rows, origin);
    lambda_ = covariance::from_matrix(second);
  } catch (const specification_error& e) {
    throw specification_error(fmt::format("{}: of its rows, {}", origin, e.what()));
  }
  for (int i = 0; i < count; ++i) {
    double square = 0;
    for (int j = 0; j < d; ++j) square += rows(i, j) * rows(i, j);
    for (int j = 0; j < d; ++j) weighted(i, j) *= square;
  }
  fourth_.reshape(d, d);
  multiply(1.0 / count, weighted, transpose::yes, rows, transpose::no, 0, fourth_);  // mean of ‖x‖² x xᵀ
  rows_ = std::move(rows);
}

const covariance& row_distribution::lambda() const {
  expects(lambda_.has_value(), "row_distribution: {} was not read", options.file);
  return *lambda_;
}

// Λ may be in other units than the rows', but not of another shape. The factor of a power of four is exact.
double row_distribution::factor(const covariance& given) const {
  const double ratio = given.trace() / lambda().trace();
  if (given.dimension() == rows_.columns() && std::isfinite(ratio)) {
    const matrix gap = combination(1, given.values(), -ratio, lambda().values());
    if (frobenius_norm(gap) <= 1e-8 * frobenius_norm(given.values())) return std::sqrt(ratio);
  }
  throw specification_error(
      fmt::format("features = \"rows\" have a covariance of their own, (d, d) with d = {}: it can be neither rotated "
                  "nor replaced; choose other features, or rotation = \"none\" and no spectrum",
                  rows_.columns()));
}

matrix row_distribution::fourth_moment(const covariance& given) const {
  const double f = factor(given);
  return combination(f * f * f * f, fourth_, 0, fourth_);
}

std::unique_ptr<const example_sampler> row_distribution::sampler(const covariance& given) const {
  return std::make_unique<row_sampler>(rows_, factor(given));
}

void row_distribution::identify(key_builder& key) const {
  key.add(word()).add(rows_.rows()).add(rows_.columns());
  for (const double value : rows_.values()) key.add(value);
}

}  // namespace cotscale
