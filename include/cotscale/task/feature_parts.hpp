// The feature distributions one by one, for who sets their members.
#pragma once

#include <string>

#include "cotscale/task/features.hpp"

namespace cotscale {

/// x = Λ^{1/2} z, z ~ N(0, I).
class gaussian_distribution : public feature_distribution {
 public:
  static const feature_part part;
  std::string_view word() const override { return part.word; }
  std::string_view help() const override { return part.help; }
  std::shared_ptr<feature_distribution> clone() const override {
    return std::make_shared<gaussian_distribution>(*this);
  }
  void identify(key_builder& key) const override { key.add(word()); }
  std::optional<fourth_moment_shape> shape() const override { return fourth_moment_shape{}; }
  bool is_gaussian() const override { return true; }
  std::unique_ptr<const example_sampler> sampler(const covariance& lambda) const override;
};

/// x = g √((ν − 2)/χ²_ν), g ~ N(0, Λ): the multivariate Student-t, one χ²_ν an example, scaled to covariance Λ.
/// F is (ν − 2)/(ν − 4) times the Gaussian's. For ν ≤ 8 the error of a step has no finite variance.
class student_t_distribution : public feature_distribution {
 public:
  double degrees = 12;  ///< ν > 4, else E[Ŝ²] is infinite

  static const feature_part part;
  std::string_view word() const override { return part.word; }
  std::string_view help() const override { return part.help; }
  std::shared_ptr<feature_distribution> clone() const override {
    return std::make_shared<student_t_distribution>(*this);
  }
  void keys(config::keys& k) override;
  void identify(key_builder& key) const override { key.add(word()).add(degrees); }
  std::optional<fourth_moment_shape> shape() const override;
  bool has_finite_variance() const override { return degrees > 8; }
  std::unique_ptr<const example_sampler> sampler(const covariance& lambda) const override;
};

/// x = Q diag(√λ) z for Λ = Q diag(λ) Qᵀ, z_j = ±1 with probability ½ each: ‖x‖² = tr Λ always, so F = tr(Λ) Λ.
class rademacher_distribution : public feature_distribution {
 public:
  static const feature_part part;
  std::string_view word() const override { return part.word; }
  std::string_view help() const override { return part.help; }
  std::shared_ptr<feature_distribution> clone() const override {
    return std::make_shared<rademacher_distribution>(*this);
  }
  void identify(key_builder& key) const override { key.add(word()); }
  std::optional<fourth_moment_shape> shape() const override { return fourth_moment_shape{.square = 0, .trace = 1}; }
  bool has_density() const override { return false; }
  std::unique_ptr<const example_sampler> sampler(const covariance& lambda) const override;
};

enum class row_scale {
  none,           ///< as they are
  unit_variance,  ///< each column divided by the root of its mean square
  trace,          ///< all divided by one number, so that tr Λ = d
};

struct row_options {
  std::string file;           ///< HDF5, or CSV with a row per example (a first line of names is skipped)
  std::string dataset = "x";  ///< of shape (rows, d), where the file is HDF5
  bool centre = true;         ///< subtract each column's mean
  row_scale scale = row_scale::none;
};

/// The rows of a data set, drawn with replacement. Λ and F are means over the rows; the mean need not be zero where
/// they are not centred, since the formulas need second and fourth moments only.
class row_distribution : public feature_distribution {
 public:
  row_options options;

  static const feature_part part;
  /// Takes rows (N, d) as of `options`; `origin` names them in messages. Throws specification_error for a value that is
  /// not finite, for fewer than 2 rows, and for data that are constant (a column, where they are centred or scaled by
  /// columns).
  void take(matrix rows, const std::string& origin);
  /// Reads options.file, of d columns (0: as many as there are). Throws io_error and specification_error with the file,
  /// the line and the column.
  void read(int d);

  const matrix& rows() const { return rows_; }  ///< centred and scaled, (N, d)
  const covariance& lambda() const;             ///< their E[x xᵀ]; to be taken as the target's

  std::string_view word() const override { return part.word; }
  std::string_view help() const override { return part.help; }
  std::shared_ptr<feature_distribution> clone() const override { return std::make_shared<row_distribution>(*this); }
  void identify(key_builder& key) const override;
  std::optional<fourth_moment_shape> shape() const override { return std::nullopt; }
  matrix fourth_moment(const covariance& lambda) const override;
  bool has_density() const override { return false; }
  std::unique_ptr<const example_sampler> sampler(const covariance& lambda) const override;

 private:
  double factor(const covariance& lambda) const;

  matrix rows_;
  std::optional<covariance> lambda_;
  matrix fourth_;
};

/// Rows of numbers separated by commas, (N, d); empty lines and a first line without numbers are skipped. Throws
/// specification_error with `origin` and the line for what is no number, not finite, or of another width than `d`
/// (0: than the first row).
matrix rows_of_csv(std::string_view text, int d, const std::string& origin);

}  // namespace cotscale
