#include "cotscale/comm/environment.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <exception>
#include <new>

#include "cotscale/base/output.hpp"
#include "cotscale/comm/native.hpp"

namespace cotscale {
namespace {

// Says what happened on this rank and ends the job; never returns.
[[noreturn]] void abort_job(const communicator& ranks, const std::string& message, exit_code code) {
  log("cotscale: rank {} on {}: {}\n", ranks.rank(), host_name(), message);
  MPI_Abort(ranks.native().comm, static_cast<int>(code));
  std::terminate();
}

}  // namespace

void communicator::or_abort(const std::function<void()>& work) const {
  try {
    work();
  } catch (const error& e) {
    abort_job(*this, e.what(), e.code());
  } catch (const std::bad_alloc&) {
    abort_job(*this, "out of memory; use fewer ranks per node, or a smaller d, m or number of prompts",
              exit_code::failed_cells);
  } catch (const std::exception& e) {
    abort_job(*this, e.what(), exit_code::internal);
  }
}

int with_mpi(int& argc, char**& argv, const std::function<exit_code(const communicator&)>& body) {
  int provided = 0;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &provided);
  exit_code code = exit_code::done;
  {
    const communicator world(std::make_shared<const communicator::impl>(MPI_COMM_WORLD, false));
    world.or_abort([&] {
      try {
        if (provided < MPI_THREAD_MULTIPLE) {
          throw agreed_error(
              exit_code::usage,
              "this MPI library has no MPI_THREAD_MULTIPLE, which handing out cells needs; use Open MPI 4 "
              "built with thread support");
        }
        code = body(world);
      } catch (const agreed_error& e) {
        if (world.is_root()) log("cotscale: {}\n", e.what());
        code = e.code();
      }
    });
  }
  MPI_Finalize();
  return static_cast<int>(code);
}

std::string mpi_library_version() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  MPI_Get_library_version(text.data(), &length);
  const std::string version(text.data());
  return version.substr(0, version.find_first_of("\n\r"));
}

std::string host_name() {
  std::array<char, 256> name{};
  gethostname(name.data(), name.size() - 1);
  return name.data();
}

}  // namespace cotscale
