#include "open_mpi.hpp"

#include <dlfcn.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string>

#include "cotscale/base/error.hpp"
#include "cotscale/base/output.hpp"
#include "cotscale/comm/environment.hpp"

namespace cotscale::detail {
namespace {

std::atomic<bool> is_starting = false;

}  // namespace

starting_guard::starting_guard() { is_starting = true; }
starting_guard::~starting_guard() { is_starting = false; }

bool abort_is_quiet() {
  // Only under mpirun: what srun makes of MPI_Abort is not our exit code. And only with the usual second between the
  // signals that end a job, all of which mpirun waits for, whether a rank is left or not.
  if (std::getenv("OMPI_COMM_WORLD_RANK") == nullptr) return false;
  if (std::getenv("OMPI_MCA_odls_base_sigkill_timeout") != nullptr) return false;
  auto* quiet = static_cast<bool*>(dlsym(RTLD_DEFAULT, "orte_execute_quiet"));
  if (quiet == nullptr) return false;
  *quiet = true;
  return true;
}

}  // namespace cotscale::detail

struct ompi_communicator_t;

// Open MPI calls this when MPI_Init_thread fails, which by default cannot return; the program's definition comes before
// the library's.
extern "C" int ompi_mpi_abort(ompi_communicator_t* comm, int code);
int ompi_mpi_abort(ompi_communicator_t* comm, int code) {
  if (cotscale::detail::is_starting) {
    const char* rank = std::getenv("OMPI_COMM_WORLD_RANK");
    cotscale::log("cotscale: {}on {}: MPI cannot start; what Open MPI says about it stands above\n",
                  rank != nullptr ? "rank " + std::string(rank) + " " : "", cotscale::host_name());
    _exit(static_cast<int>(cotscale::exit_code::internal));
  }
  using function = int (*)(ompi_communicator_t*, int);
  static const auto original = reinterpret_cast<function>(dlsym(RTLD_NEXT, "ompi_mpi_abort"));
  return original != nullptr ? original(comm, code) : code;
}
