// The file that `cotscale select` writes (docs/results-layout.md).
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "cotscale/store/new_file.hpp"

namespace cotscale {

inline constexpr std::array<std::string_view, 2> selection_names{"quadratic", "exact"};

/// Solutions of both selection problems for one set of candidates. The first index is the solution, in the order of
/// selection_names; of `objective` the second is the problem in which it is valued.
struct selection_record {
  std::array<std::vector<double>, 2> probability;
  std::array<std::array<double, 2>, 2> objective{};
  double kkt_residual = 0;  ///< of the quadratic programme
};

/// All draws of the candidates; their hardness is the same in every draw.
struct selection_results {
  std::vector<std::string> tasks;
  std::vector<double> hardness, support_hardness;  ///< over tasks
  std::vector<selection_record> draws;
  bool has_draw_axis = false;  ///< candidates from a file have none
};

/// Titles of these files begin so.
inline constexpr std::string_view selection_title = "cotscale selection";

/// Whether the file is a selection of cotscale, of any schema version, or a damaged one.
bool is_selection_file(const std::string& path);

/// Writes the whole file under a temporary name, and renames it. Throws io_error, and leaves nothing behind, if it
/// cannot.
void write_selection(const std::string& path, const selection_results& results, const std::string& config_toml,
                     const provenance& attributes);

}  // namespace cotscale
