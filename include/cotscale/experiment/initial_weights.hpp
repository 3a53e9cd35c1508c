// Weights that another sweep has kept, for training to begin with.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cotscale/architecture/sequence_model.hpp"
#include "cotscale/config/keys.hpp"
#include "cotscale/experiment/grid.hpp"
#include "cotscale/store/results_file.hpp"

namespace cotscale::detail {

/// The results file of that sweep, opened once: what takes its name later is never read. It is identified by its
/// SHA-256, and every cell that is read from it has the checksum that it had when the file was opened.
class initial_weights_file {
 public:
  /// Throws io_error or mismatch_error if it is no results file that can be read.
  explicit initial_weights_file(std::string path);

  const std::string& sha256() const { return sha256_; }
  /// Identity and checksum of the cell that has the weights of `model` for this one; empty if there is none.
  std::string source_of(const cell& c, const std::string& model) const;
  const coordinates& grid() const { return grid_; }
  const std::string& specification_text() const { return file_.config_toml(); }

  /// What its cells are now.
  struct marks {
    std::vector<cell_status> status;
    std::vector<std::size_t> damaged;  ///< ascending
  };
  /// Reads the whole file.
  marks read_marks() const;

  /// Throws specification_error, with a count and the first of them, unless each of these cells, which train a model of
  /// this table, has its weights here, of d dimensions: the cell of the same mixture, hardness, n, repeat and values
  /// of further axes must be done and undamaged.
  void require_cells(std::span<const cell> cells, const model_specification& table, int d, const marks& now) const;

  /// The tensors that the cell begins with. Throws specification_error if they are not there, or have changed since the
  /// file was opened.
  std::vector<tensor_values> weights(const cell& c, const model_specification& table,
                                     const std::vector<model_tensor>& wanted) const;

 private:
  // The number here of the cell that has the weights of `model` for this one; none, and why, if there is none: a
  // further axis is matched by its name and its values, and one that the cell does not know must not tell cells apart.
  std::optional<std::size_t> parent_of(const cell& c, const std::string& model, std::string& why) const;

  // Reads the tensors that the cell begins with; why they are not there, empty if they are.
  std::string read(const cell& c, const std::string& model, const std::vector<model_tensor>& wanted,
                   std::vector<tensor_values>& out) const;

  std::string path_;
  results_reader file_;
  coordinates grid_;
  std::vector<cell_identity> identities_;
  std::vector<std::uint64_t> checksums_;  // of its cells; read before the SHA-256 is taken
  std::string sha256_;
};

/// Opens `initial_file` of a model, checks or fills in its `initial_sha256`, and that `initial_model` keeps weights
/// there.
void open_initial_weights(config::keys& keys, const specification& spec, model_specification& model);

/// Before a run: require_cells() for every cell that begins with stored weights.
void require_initial_weights(const specification& spec, const coordinates& grid);

}  // namespace cotscale::detail
