// What happens on the root before a run: the results file is created or checked, and its unfinished cells are put in
// order.
#pragma once

#include <cstdint>
#include <vector>

#include "cotscale/run/run.hpp"
#include "cotscale/schedule/chunks.hpp"
#include "cotscale/store/new_file.hpp"

namespace cotscale::detail {

/// A cell that is to be computed, in the order of handing out.
struct task_item {
  std::uint64_t number = 0;
  double seconds = 0;
  std::int32_t previous_attempts = 0;
  std::int32_t damaged = 0;  ///< marked done, but its checksum is wrong
};

struct work_list {
  std::vector<task_item> items;
  std::vector<chunk> chunks;
};

/// Throws io_error or mismatch_error if the output cannot be written, or is a file that --overwrite must not replace.
void require_writable(const std::string& output, bool overwrite);

/// Creates the file, or checks that it can be resumed; returns the cells that are to be computed.
work_list prepare(const specification& spec, const coordinates& grid,
                  const std::shared_ptr<const results_schema>& schema, const run_options& options,
                  const communicator& all, provenance attributes);

}  // namespace cotscale::detail
