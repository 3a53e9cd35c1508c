#include "handle.hpp"

#include "cotscale/base/error.hpp"

namespace cotscale::detail {
namespace {

herr_t append_description(unsigned, const H5E_error2_t* entry, void* text) {
  auto& out = *static_cast<std::string*>(text);
  if (entry->desc == nullptr || *entry->desc == '\0') return 0;
  if (!out.empty()) out += "; ";
  out += entry->desc;
  return 0;
}

}  // namespace

std::string error_stack() {
  std::string text;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, append_description, &text);
  H5Eclear2(H5E_DEFAULT);
  return text.empty() ? "HDF5 gave no reason" : text;
}

void fail(const std::string& path, const std::string& action) {
  throw io_error(fmt::format("{}: cannot {} ({})", path, action, error_stack()));
}

void silence_hdf5() { H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr); }

}  // namespace cotscale::detail
