// GoogleTest under MPI: every rank runs every test, in step; the root prints, the others only what fails on them; all
// end with one code.
#include "main.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>

#include "cotscale/comm/environment.hpp"

namespace {

std::optional<cotscale::communicator> all_ranks;

class failure_printer : public testing::EmptyTestEventListener {
  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (!result.failed()) return;
    fmt::print(stderr, "rank {}: {}:{}: {}\n", all_ranks->rank(),
               result.file_name() != nullptr ? result.file_name() : "", result.line_number(), result.message());
  }
};

}  // namespace

const cotscale::communicator& world() { return *all_ranks; }

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  return cotscale::with_mpi(argc, argv, [](const cotscale::communicator& all) {
    all_ranks = all;
    auto& listeners = testing::UnitTest::GetInstance()->listeners();
    if (!all.is_root()) {
      delete listeners.Release(listeners.default_result_printer());
      listeners.Append(new failure_printer);
    }
    const std::int64_t failures = all.sum(std::int64_t{RUN_ALL_TESTS()});
    all_ranks.reset();
    return failures == 0 ? cotscale::exit_code::done : cotscale::exit_code::failed_cells;
  });
}
