// The spectrum `file`: those of a matrix in an HDF5 file, which has a basis of its own.
#include "cotscale/base/error.hpp"
#include "cotscale/config/named_file.hpp"
#include "cotscale/config/part_definition.hpp"
#include "cotscale/task/covariance_files.hpp"
#include "cotscale/task/spectra.hpp"

namespace cotscale {
namespace spectra {

class file final : public spectrum {
 public:
  std::string_view word() const override { return "file"; }
  std::string_view help() const override { return "a matrix from a `file`"; }
  std::string_view implied_by() const override { return "file"; }
  std::shared_ptr<spectrum> clone() const override { return std::make_shared<file>(*this); }
  int version() const override { return 1; }

  void keys(config::keys& k) override {
    config::file_keys(
        k, source_,
        "HDF5 file with `covariance[d,d]`; relative to the specification. It alone stands for this spectrum",
        "covariance");
  }

  void settle(config::keys& k, const surroundings& where) override {
    config::open_file(k, source_, where.directory, "covariance", [&](const std::string& path) {
      if (where.d > 0) stored_ = read_covariance_file(path, where.d, notice_);
    });
  }

  std::vector<double> eigenvalues(int d) const override {
    const std::span<const double> values = stored(d).eigenvalues();
    return {values.begin(), values.end()};
  }
  const matrix* basis() const override { return stored_ ? &stored_->basis() : nullptr; }

  // By its bytes. No exponent stands before them: keys from when that stood here for every spectrum.
  void identify(key_builder& key, bool scaled) const override { key.add(0.0).add(source_.sha256).add(scaled); }

  std::string notice() const override { return notice_; }

 private:
  const covariance& stored(int d) const {
    expects(stored_ != nullptr && stored_->dimension() == d, "spectra::file: {} has not been read for d = {}",
            source_.name, d);
    return *stored_;
  }

  config::named_file source_;
  std::shared_ptr<const covariance> stored_;
  std::string notice_;
};

}  // namespace spectra

template const spectrum& config::part<spectrum, spectra::file>();

}  // namespace cotscale
