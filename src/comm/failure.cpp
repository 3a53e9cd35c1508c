#include "failure.hpp"

#include <filesystem>
#include <new>

namespace cotscale::detail {

std::optional<error> failure_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const error& e) {
    return e;
  } catch (const std::filesystem::filesystem_error& e) {
    return io_error(e.what());
  } catch (const std::bad_alloc&) {
    return error(exit_code::failed_cells,
                 "out of memory; use fewer ranks per node, or a smaller d, m or number of prompts");
  } catch (const std::exception& e) {
    return error(exit_code::internal, e.what());
  }
  return std::nullopt;
}

}  // namespace cotscale::detail
