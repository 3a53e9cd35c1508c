# Compiler flags of our own code, and the one way in which a layer of the house is declared.

if(CMAKE_BUILD_TYPE STREQUAL "Debug")
  set(COTSCALE_OPTIMISATION "")
elseif(COTSCALE_SANITIZE)
  set(COTSCALE_OPTIMISATION -O1)  # more makes the sanitizers' build several times slower
else()
  set(COTSCALE_OPTIMISATION -O3 -march=${COTSCALE_ARCH})
endif()

# Of the files whose loops are to become vector instructions. Neither flag changes a value: errno is not set, and no floating-point
# exception is a trap.
set(COTSCALE_VECTOR_LOOPS -fno-math-errno -fno-trapping-math)

add_library(cotscale_flags INTERFACE)
target_compile_options(cotscale_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wold-style-cast -Wnon-virtual-dtor -Woverloaded-virtual
  $<$<BOOL:${COTSCALE_WERROR}>:-Werror>
  ${COTSCALE_OPTIMISATION})
target_compile_definitions(cotscale_flags INTERFACE $<$<CONFIG:Debug>:_GLIBCXX_ASSERTIONS>)
if(COTSCALE_SANITIZE)
  set(sanitizers -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  # GCC 12 takes the instrumented <functional> and <regex> for uninitialized.
  target_compile_options(cotscale_flags INTERFACE ${sanitizers} -Wno-maybe-uninitialized)
  target_link_options(cotscale_flags INTERFACE ${sanitizers})
endif()

# cotscale_module(<name> SOURCES <file> ... [PARTS <folder> ...] [USES <lower layer or library> ...] [PRIVATE_USES <library> ...])
# A static library from src/<name>; PARTS are folders of parts, every source of which belongs to it. What it may include is what it links:
# USES reaches its users, PRIVATE_USES does not.
function(cotscale_module name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;PARTS;USES;PRIVATE_USES")
  list(TRANSFORM arg_SOURCES PREPEND ${name}/)
  set(parts)
  foreach(folder IN LISTS arg_PARTS)
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/${folder}/*.cpp)
    list(APPEND parts ${sources})
  endforeach()
  add_library(cotscale_${name} STATIC ${arg_SOURCES} ${parts})
  add_library(cotscale::${name} ALIAS cotscale_${name})
  target_include_directories(cotscale_${name} PUBLIC ${PROJECT_SOURCE_DIR}/include)
  target_link_libraries(cotscale_${name} PUBLIC ${arg_USES} PRIVATE cotscale_flags ${arg_PRIVATE_USES})
endfunction()
