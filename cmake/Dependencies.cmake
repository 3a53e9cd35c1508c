# Every third-party library, each found once, with a message that names the Debian package when it is missing.

function(cotscale_missing what package)
  message(FATAL_ERROR "cotscale needs ${what}, which was not found.\n"
                      "  Debian/Ubuntu: apt-get install ${package}\n"
                      "  Elsewhere: load its module, or add its prefix to CMAKE_PREFIX_PATH.")
endfunction()

# cotscale_find(<package> <what> <debian-package> [arguments of find_package ...])
macro(cotscale_find name what package)
  find_package(${name} QUIET ${ARGN})
  if(NOT ${name}_FOUND)
    cotscale_missing("${what}" "${package}")
  endif()
endmacro()

# cotscale_find_plain(<target> <header> <what> <debian-package> [<library>]): a library that ships no CMake package; without <library>,
# it is headers only.
function(cotscale_find_plain target header what package)
  string(MAKE_C_IDENTIFIER "${target}" id)
  find_path(${id}_INCLUDE_DIR ${header})
  if(ARGN)
    find_library(${id}_LIBRARY ${ARGN})
  endif()
  if(NOT ${id}_INCLUDE_DIR OR (ARGN AND NOT ${id}_LIBRARY))
    cotscale_missing("${what}" "${package}")
  endif()
  add_library(${target} INTERFACE IMPORTED)
  target_include_directories(${target} SYSTEM INTERFACE ${${id}_INCLUDE_DIR})
  target_link_libraries(${target} INTERFACE ${${id}_LIBRARY})
endfunction()

cotscale_find(MPI "Open MPI" "libopenmpi-dev openmpi-bin" COMPONENTS C)
target_compile_definitions(MPI::MPI_C INTERFACE OMPI_SKIP_MPICXX)  # its C++ bindings, which the standard has dropped
cotscale_find(OpenMP "OpenMP" "g++" COMPONENTS CXX)
cotscale_find(fmt "fmt" "libfmt-dev")
cotscale_find(tomlplusplus "toml++" "libtomlplusplus-dev")
cotscale_find(OpenSSL "OpenSSL's libcrypto" "libssl-dev" COMPONENTS Crypto)
cotscale_find(Threads "POSIX threads" "libc6-dev")
cotscale_find(OpenBLASOpenMP "OpenBLAS built with OpenMP" "libopenblas-openmp-dev")
cotscale_find(LAPACKE "LAPACKE" "liblapacke-dev")

# Faster products of small matrices, for x86-64. Without it they are OpenBLAS's.
find_path(LIBXSMM_INCLUDE_DIR libxsmm.h)
find_library(LIBXSMM_LIBRARY xsmm)
option(COTSCALE_LIBXSMM "Products of small matrices by LIBXSMM, where it is found" ON)
if(COTSCALE_LIBXSMM AND LIBXSMM_INCLUDE_DIR AND LIBXSMM_LIBRARY)
  add_library(cotscale::libxsmm INTERFACE IMPORTED)
  target_include_directories(cotscale::libxsmm SYSTEM INTERFACE ${LIBXSMM_INCLUDE_DIR})
  target_compile_definitions(cotscale::libxsmm INTERFACE COTSCALE_HAS_LIBXSMM)
  target_link_libraries(cotscale::libxsmm INTERFACE ${LIBXSMM_LIBRARY} OpenBLAS::OpenMP Threads::Threads ${CMAKE_DL_LIBS})
endif()

cotscale_find_plain(cotscale::random123 Random123/threefry.h "Random123" "librandom123-dev")
cotscale_find_plain(cotscale::xxhash xxhash.h "xxHash" "libxxhash-dev" xxhash)
cotscale_find_plain(cotscale::cli11 CLI/CLI.hpp "CLI11" "libcli11-dev")

set(HDF5_PREFER_PARALLEL ON)
cotscale_find(HDF5 "HDF5 built with MPI" "libhdf5-openmpi-dev" COMPONENTS C HL)
if(NOT HDF5_IS_PARALLEL)
  cotscale_missing("HDF5 built with MPI (a serial HDF5 was found)" "libhdf5-openmpi-dev")
endif()
add_library(cotscale::hdf5_library INTERFACE IMPORTED)
target_include_directories(cotscale::hdf5_library SYSTEM INTERFACE ${HDF5_INCLUDE_DIRS})
target_link_libraries(cotscale::hdf5_library INTERFACE ${HDF5_HL_LIBRARIES} ${HDF5_LIBRARIES} MPI::MPI_C)
