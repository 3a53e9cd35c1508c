// Which numbers a cell has: everything that determines them, as text and as a hash of it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cotscale/experiment/grid.hpp"
#include "cotscale/store/results_file.hpp"

namespace cotscale {

/// Raised when numbers change by something that is no part with a version of its own: roll-outs, statistics, selection.
inline constexpr int numbers_version = 1;

/// What identifies the cells of a specification. Cells of equal identity have equal bits in everything but predictions,
/// weights that one of them does not keep, and the record; d ≥ 512, and other compilers and CPUs, excepted, where last
/// bits may differ. Not in it: names of sweeps, models and mixtures, order, the rest of the grid.
class cell_identities {
 public:
  /// Both are kept by reference.
  cell_identities(const specification& spec, const coordinates& grid);

  /// All that determines the numbers of a cell, in lines: tables as in a canonical text, versions of parts, values of
  /// axes.
  std::string text(const cell& c) const;
  /// The first 128 bits of a SHA-256 over that.
  cell_identity of(const cell& c) const;
  /// Of all cells of the grid; zeros where none is asked for.
  std::vector<cell_identity> all() const;

  /// Of the parts that the cells are made of: "numbers 1, optimizer adam 1, spectrum list 1, …".
  std::string versions() const;

 private:
  // A part of the text that many cells share.
  struct block {
    std::string text, sha256;
  };
  // Of one combination of varied keys.
  struct blocks {
    block common;
    std::map<std::string, block> models, mixtures;
  };
  static block block_of(std::string text);
  blocks blocks_of(const specification& spec) const;
  std::string own_lines(const cell& c) const;

  const specification& spec_;
  const coordinates& grid_;
  std::vector<blocks> variants_;
};

}  // namespace cotscale
