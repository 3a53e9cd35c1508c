# Writes a header with what the results file records about the build. Run at every build (cmake -P), since the commit may have changed;
# touches the header only when it changes.
execute_process(COMMAND git -C ${SOURCE_DIR} rev-parse HEAD OUTPUT_VARIABLE git_sha OUTPUT_STRIP_TRAILING_WHITESPACE
                ERROR_QUIET RESULT_VARIABLE no_git)
if(no_git)
  set(git_sha "unknown")
endif()
execute_process(COMMAND git -C ${SOURCE_DIR} status --porcelain --untracked-files=no OUTPUT_VARIABLE changes ERROR_QUIET)
if(changes)
  set(git_dirty 1)
else()
  set(git_dirty 0)
endif()
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT [[
#pragma once

namespace cotscale::build_info {

inline constexpr const char* version = "@VERSION@";
inline constexpr const char* git_sha = "@git_sha@";
inline constexpr int git_dirty = @git_dirty@;
inline constexpr const char* compiler = "@COMPILER@";
inline constexpr const char* compiler_flags = "@COMPILER_FLAGS@";

}  // namespace cotscale::build_info
]] @ONLY)
