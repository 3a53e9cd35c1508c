#include "cotscale/comm/environment.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <span>
#include <string>

#include "cotscale/base/descriptor.hpp"
#include "cotscale/base/output.hpp"
#include "cotscale/comm/native.hpp"
#include "failure.hpp"
#include "open_mpi.hpp"

namespace cotscale {
namespace {

// For whoever started the launcher, which may have an exit code of its own: mpirun answers TERM with 1, whatever its
// ranks say (jobs/launch.sh).
void leave_code(exit_code code) {
  const char* path = std::getenv("COTSCALE_EXIT_CODE_FILE");
  if (path == nullptr) return;
  descriptor file = open_descriptor(path, O_WRONLY | O_CREAT | O_TRUNC);
  const std::string text = fmt::format("{}\n", static_cast<int>(code));
  if (!file || !write_at(file, std::as_bytes(std::span(text)), 0) || !file.close()) {
    warn("{}: cannot be written ({})", path, reason());
  }
}

// Says what happened on this rank and ends the job; never returns.
[[noreturn]] void abort_job(MPI_Comm comm, int rank, const std::string& message, exit_code code) {
  log("cotscale: rank {} on {}: {}\n", rank, host_name(), message);
  leave_code(code);
  detail::abort_is_quiet();
  MPI_Abort(comm, static_cast<int>(code));
  std::terminate();
}

// What MPI calls when an operation fails.
void report_mpi_error(MPI_Comm* comm, int* code, ...) {
  int rank = 0, length = 0;
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  MPI_Comm_rank(*comm, &rank);
  MPI_Error_string(*code, text.data(), &length);
  abort_job(*comm, rank, fmt::format("MPI has failed: {}", text.data()), exit_code::internal);
}

void handle_mpi_errors() {
  MPI_Errhandler handler = MPI_ERRHANDLER_NULL;
  MPI_Comm_create_errhandler(report_mpi_error, &handler);
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, handler);  // communicators made of this one inherit it
  MPI_Errhandler_free(&handler);
}

// mpirun comments every exit code but 0 with a box, unless a rank asks it to end the job.
void finalize(exit_code code, bool is_root) {
  if (is_root) leave_code(code);
  if (code != exit_code::done && detail::abort_is_quiet()) {
    std::fflush(nullptr);
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_Abort(MPI_COMM_WORLD, static_cast<int>(code));
  }
  MPI_Finalize();
}

}  // namespace

void communicator::or_abort(const std::function<void()>& work) const {
  if (const auto failure = detail::failure_of(work)) abort_job(native().comm, rank(), failure->what(), failure->code());
}

int with_mpi(int& argc, char**& argv, const std::function<exit_code(const communicator&)>& body) {
  int provided = 0;
  {
    const detail::starting_guard starting;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &provided);
  }
  handle_mpi_errors();
  exit_code code = exit_code::done;
  bool is_root = false;
  {
    const communicator world(std::make_shared<const communicator::impl>(MPI_COMM_WORLD, false));
    is_root = world.is_root();
    if (is_root) leave_code(exit_code::stopped_early);  // until there is another: whoever ends this can start it again
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
  finalize(code, is_root);
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
