# OpenBLAS in its OpenMP build, by its full path. Where the pthread build is installed too, plain -lopenblas picks that one, and two
# thread pools fight over the cores. Debian keeps the builds in folders of their own; elsewhere set OPENBLAS_ROOT.
find_path(OpenBLASOpenMP_INCLUDE_DIR cblas.h
          HINTS ${OPENBLAS_ROOT} ENV OPENBLAS_ROOT
          PATHS /usr/include/${CMAKE_LIBRARY_ARCHITECTURE}
          PATH_SUFFIXES openblas-openmp include include/openblas)
find_library(OpenBLASOpenMP_LIBRARY NAMES openblas
             HINTS ${OPENBLAS_ROOT} ENV OPENBLAS_ROOT
             PATHS /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}
             PATH_SUFFIXES openblas-openmp lib lib64
             NO_DEFAULT_PATH)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(OpenBLASOpenMP REQUIRED_VARS OpenBLASOpenMP_LIBRARY OpenBLASOpenMP_INCLUDE_DIR)

if(OpenBLASOpenMP_FOUND AND NOT TARGET OpenBLAS::OpenMP)
  add_library(OpenBLAS::OpenMP UNKNOWN IMPORTED)
  set_target_properties(OpenBLAS::OpenMP PROPERTIES IMPORTED_LOCATION ${OpenBLASOpenMP_LIBRARY})
  target_include_directories(OpenBLAS::OpenMP SYSTEM INTERFACE ${OpenBLASOpenMP_INCLUDE_DIR})
  # DT_RPATH, not DT_RUNPATH: LAPACKE loads libblas and liblapack itself, and must get this build of them too.
  get_filename_component(directory ${OpenBLASOpenMP_LIBRARY} DIRECTORY)
  target_link_options(OpenBLAS::OpenMP INTERFACE "LINKER:--disable-new-dtags,-rpath,${directory}")
endif()
