// Where the eigenvalues of a covariance come from: a part each in src/task/spectra, listed in src/task/spectra.cpp.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cotscale/base/random.hpp"
#include "cotscale/config/keys.hpp"
#include "cotscale/linalg/matrix.hpp"

namespace cotscale {

class spectrum {
 public:
  /// What else a specification says where a spectrum stands.
  struct surroundings {
    int d = 0;                             ///< 0 where that is wrong, so that nothing can be said of values yet
    std::filesystem::path directory = {};  ///< that relative file names start from
    bool scaled = false;                   ///< whether the eigenvalues will be multiplied so that the trace is d
  };

  virtual ~spectrum() = default;

  virtual std::string_view word() const = 0;
  virtual std::string_view help() const = 0;
  /// A key of this spectrum that alone, without the word, stands for it; empty if there is none.
  virtual std::string_view implied_by() const { return {}; }
  virtual std::shared_ptr<spectrum> clone() const = 0;
  /// It is raised when the numbers change that the same keys stand for.
  virtual int version() const = 0;

  virtual void keys(config::keys& k) = 0;
  /// What only a reader does, after all keys: it reads files, and says what is wrong with the eigenvalues.
  virtual void settle(config::keys& k, const surroundings& where) = 0;

  /// λ (d), in any order; each ≥ 0, and one > 0.
  virtual std::vector<double> eigenvalues(int d) const = 0;
  /// The one eigenvalue that all d are, where that is known without an array of them.
  virtual std::optional<double> isotropic_value(int d) const;
  /// The eigenvectors of these, in columns (d, d); null: the coordinates.
  virtual const matrix* basis() const { return nullptr; }
  /// Adds what tells this spectrum from others of its word, `scaled` among it, to the key of random streams. Spectra
  /// that are known by name and numbers add these, never a computed value, whose last bit may differ between hosts.
  virtual void identify(key_builder& key, bool scaled) const = 0;
  /// What had to be mended in what was read, for a warning; empty if nothing.
  virtual std::string notice() const { return {}; }

 protected:
  spectrum() = default;
  spectrum(const spectrum&) = default;
  spectrum& operator=(const spectrum&) = default;
};

/// All there are, in the order of the documentation.
std::span<const spectrum* const> all_spectra();

/// Declares the key that chooses a spectrum, and the keys of each. A key that implies one makes `choosing` optional,
/// which needs no example.
void spectrum_keys(config::keys& k, config::key choosing, std::shared_ptr<const spectrum>& chosen);

/// Settles what was chosen, where there is a reader; `chosen` may be null.
void settle(config::keys& k, std::shared_ptr<const spectrum>& chosen, const spectrum::surroundings& where);

/// For the parts: says of `key` what is wrong with these eigenvalues in units of their own. As doubles hold them they
/// must be a covariance's.
void require_in_range(config::keys& k, std::string_view key, std::vector<double> eigenvalues, bool scaled);

}  // namespace cotscale
