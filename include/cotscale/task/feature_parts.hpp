// The feature distributions one by one, for who sets their members.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "cotscale/config/named_file.hpp"
#include "cotscale/task/features.hpp"

namespace cotscale {

/// x = Λ^{1/2} z, z ~ N(0, I).
class gaussian_distribution : public feature_distribution {
 public:
  std::string_view word() const override { return "gaussian"; }
  std::string_view help() const override { return "x ~ N(0, Λ)"; }
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

  std::string_view word() const override { return "student_t"; }
  std::string_view help() const override {
    return "multivariate Student-t of `degrees` > 4 degrees of freedom, one χ² an example, covariance Λ";
  }
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
  std::string_view word() const override { return "rademacher"; }
  std::string_view help() const override {
    return "x = Q diag(√λ) z with independent signs z: every example is as long as the others";
  }
  std::shared_ptr<feature_distribution> clone() const override {
    return std::make_shared<rademacher_distribution>(*this);
  }
  void identify(key_builder& key) const override { key.add(word()); }
  std::optional<fourth_moment_shape> shape() const override { return fourth_moment_shape{.square = 0, .trace = 1}; }
  bool has_density() const override { return false; }
  std::unique_ptr<const example_sampler> sampler(const covariance& lambda) const override;
};

enum class row_scale : std::uint8_t {
  none,           ///< as they are
  unit_variance,  ///< each column divided by the root of its mean square
  trace,          ///< all divided by one number, so that tr Λ = d
};

/// The rows of a data set, drawn with replacement. Λ and F are means over the rows; the mean need not be zero where
/// they are not centred, since the formulas need second and fourth moments only. Random numbers follow from the values
/// and the two options, whatever file they are from.
class row_distribution : public feature_distribution {
 public:
  /// HDF5, or CSV with a row per example (a first line of names is skipped).
  config::named_file file{.name = {}, .sha256 = {}, .prefix = "rows_"};
  std::string dataset = "x";  ///< of shape (rows, d), where the file is HDF5
  bool centre = true;         ///< subtract each column's mean
  row_scale scale = row_scale::none;

  /// Takes rows (N, d) as of the options; `origin` names them in messages. Throws specification_error for a value that
  /// is not finite, for fewer than 2 rows, for data that are constant (a column, where they are centred or scaled by
  /// columns), and for a column so weak beside the others that Λ would lose it.
  void take(matrix rows, const std::string& origin);
  /// Reads the file at `path`, of d columns. Throws io_error and specification_error with the file, the line and the
  /// column.
  void read(const std::string& path, int d);

  const matrix& rows() const { return known().rows; }  ///< centred and scaled, (N, d)

  std::string_view word() const override { return "rows"; }
  std::string_view help() const override {
    return "rows of a data set (`rows_file`), drawn with replacement; the covariance is that of the rows";
  }
  std::shared_ptr<feature_distribution> clone() const override { return std::make_shared<row_distribution>(*this); }
  void keys(config::keys& k) override;
  void settle(config::keys& k, int d, const std::filesystem::path& directory) override;
  void identify(key_builder& key) const override;
  std::optional<fourth_moment_shape> shape() const override { return std::nullopt; }
  matrix fourth_moment(const covariance& lambda) const override;
  bool owns_covariance() const override { return true; }
  const covariance& own_covariance() const override { return known().lambda; }
  std::uint64_t bytes() const override { return data_ ? 8 * data_->rows.values().size() : 0; }
  bool has_density() const override { return false; }
  std::unique_ptr<const example_sampler> sampler(const covariance& lambda) const override;

 private:
  struct data {
    matrix rows;
    covariance lambda;
    matrix fourth;
    std::string identity;  // of the values as they were given, with the options
  };
  const data& known() const;
  double factor(const covariance& lambda) const;

  std::shared_ptr<const data> data_;  // copies of a distribution share it
};

/// Rows of numbers separated by commas, (N, d); empty lines and a first line without numbers are skipped. Throws
/// specification_error with `origin` and the line for what is no number, not finite, or of another width than `d`
/// (0: than the first row).
matrix rows_of_csv(std::string_view text, int d, const std::string& origin);

}  // namespace cotscale
