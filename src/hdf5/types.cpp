#include "types.hpp"

#include <vector>

namespace cotscale::detail {

handle string_type(std::size_t size) {
  handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type.get(), size);
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  H5Tset_strpad(type.get(), H5T_STR_NULLTERM);
  return type;
}

handle dataspace(const extents& shape) {
  static_assert(sizeof(hsize_t) == sizeof(std::uint64_t));
  if (shape.empty()) return {H5Screate(H5S_SCALAR), H5Sclose};
  const std::vector<hsize_t> dims(shape.begin(), shape.end());
  return {H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr), H5Sclose};
}

}  // namespace cotscale::detail
