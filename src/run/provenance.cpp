#include "cotscale/run/provenance.hpp"

#include <fmt/chrono.h>

#include <cstdlib>
#include <ctime>

#include "cotscale/base/hash.hpp"
#include "cotscale/base/parallel.hpp"
#include "cotscale/base/random.hpp"
#include "cotscale/comm/environment.hpp"
#include "cotscale/hdf5/file.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/linalg/products.hpp"
#include "cotscale/store/schema.hpp"
#include "cotscale_build_info.hpp"

namespace cotscale {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

}  // namespace

std::string program_version() { return build_info::version; }

provenance collect_provenance(const std::string& title, std::int64_t seed, const std::string& config_toml,
                              const std::string& command_line, int ranks) {
  const std::string date = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
  return {
      {"Conventions", "CF-1.8"},
      {"schema_version", schema_version},
      {"title", title},
      {"history", fmt::format("{}: created by cotscale {}: {}", date, program_version(), command_line)},
      {"date", date},
      {"config_sha256", sha256(config_toml)},
      {"git_sha", build_info::git_sha},
      {"git_dirty", std::int64_t{build_info::git_dirty}},
      {"command_line", command_line},
      {"hostname", host_name()},
      {"slurm_job_id", environment("SLURM_JOB_ID")},
      {"mpi_version", mpi_library_version()},
      {"mpi_size", std::int64_t{ranks}},
      {"omp_num_threads", std::int64_t{thread_count()}},
      {"openblas_config", blas_configuration()},
      {"openblas_corename", blas_core_name()},
      {"matrix_products", products_library()},
      {"hdf5_version", hdf5_library_version()},
      {"compiler", build_info::compiler},
      {"compiler_flags", build_info::compiler_flags},
      {"seed", seed},
      {"rng", std::string(rng_name)},
      {"cotscale_version", program_version()},
  };
}

}  // namespace cotscale
