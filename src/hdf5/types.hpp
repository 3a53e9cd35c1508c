// HDF5's words for our types and shapes.
#pragma once

#include <hdf5.h>

#include <cstdint>
#include <type_traits>

#include "cotscale/hdf5/file.hpp"
#include "handle.hpp"

namespace cotscale::detail {

/// How `T` (see hdf5_file) lies in memory.
template<class T>
hid_t native_type() {
  if constexpr (std::is_same_v<T, double>) return H5T_NATIVE_DOUBLE;
  if constexpr (std::is_same_v<T, float>) return H5T_NATIVE_FLOAT;
  if constexpr (std::is_same_v<T, std::int64_t>) return H5T_NATIVE_INT64;
  if constexpr (std::is_same_v<T, std::int32_t>) return H5T_NATIVE_INT32;
  if constexpr (std::is_same_v<T, std::int8_t>) return H5T_NATIVE_INT8;
  if constexpr (std::is_same_v<T, std::uint64_t>) return H5T_NATIVE_UINT64;
  if constexpr (std::is_same_v<T, std::uint8_t>) return H5T_NATIVE_UINT8;
}

/// UTF-8 text of `size` bytes, its NUL included; of any length for H5T_VARIABLE.
handle string_type(std::size_t size);

/// A simple dataspace of this shape, a scalar one for {}.
handle dataspace(const extents& shape);

}  // namespace cotscale::detail
