// What is said when a run has ended.
#pragma once

#include <cstdint>

#include "preparation.hpp"
#include "worker.hpp"

namespace cotscale::detail {

struct run_totals {
  time_use time;
  std::int64_t finished = 0;
  std::int64_t passed_over = 0;
  double elapsed = 0;
  int ranks = 1;
};

/// Prints counts, the use of time and the agreement with theory, from the file as it is now. On the root.
exit_code report(const specification& spec, const run_options& options, const work_list& list,
                 const run_totals& totals);

}  // namespace cotscale::detail
