// Features that are the rows of a data set.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cotscale/config/named_file.hpp"
#include "cotscale/task/features.hpp"

namespace cotscale {

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
  int version() const override { return 1; }
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
