// Attributes of an HDF5 file's objects, and its dimension scales.
#include <fmt/format.h>
#include <hdf5.h>
#include <hdf5_hl.h>

#include "cotscale/base/error.hpp"
#include "file_impl.hpp"
#include "types.hpp"

namespace cotscale {

using detail::dataspace;
using detail::handle;
using detail::string_type;

handle hdf5_file::impl::object(const std::string& name) const {
  handle h(H5Oopen(file.get(), name.c_str(), H5P_DEFAULT), H5Oclose);
  if (h.get() < 0) fail(fmt::format("open {}", name));
  return h;
}

void hdf5_file::impl::attribute(const std::string& object_name, const std::string& name, hid_t type,
                                const extents& shape, const void* values) const {
  const handle target = object(object_name);
  const handle space = dataspace(shape);
  const handle a(H5Acreate2(target.get(), name.c_str(), type, space.get(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  if (a.get() < 0 || H5Awrite(a.get(), type, values) < 0) fail(fmt::format("write the attribute {}", name));
}

handle hdf5_file::impl::open_attribute(const std::string& object_name, const std::string& name) const {
  const handle target = object(object_name);
  handle a(H5Aopen(target.get(), name.c_str(), H5P_DEFAULT), H5Aclose);
  if (a.get() < 0) fail(fmt::format("read the attribute {}", name));
  return a;
}

void hdf5_file::set_attribute(const std::string& object, const std::string& name, const std::string& value) {
  const handle type = string_type(value.size() + 1);
  impl_->attribute(object, name, type.get(), {}, value.c_str());
}

void hdf5_file::set_attribute(const std::string& object, const std::string& name, std::int64_t value) {
  impl_->attribute(object, name, H5T_NATIVE_INT64, {}, &value);
}

void hdf5_file::set_attribute(const std::string& object, const std::string& name,
                              const std::vector<std::int8_t>& values) {
  impl_->attribute(object, name, H5T_NATIVE_INT8, {values.size()}, values.data());
}

std::string hdf5_file::text_attribute(const std::string& object, const std::string& name) const {
  const handle a = impl_->open_attribute(object, name);
  const handle type(H5Aget_type(a.get()), H5Tclose);
  if (H5Tget_class(type.get()) != H5T_STRING || H5Tis_variable_str(type.get()) > 0) {
    throw io_error(fmt::format("{}: the attribute {} is not a fixed-length text", impl_->path, name));
  }
  std::string value(H5Tget_size(type.get()), '\0');
  if (H5Aread(a.get(), type.get(), value.data()) < 0) impl_->fail(fmt::format("read the attribute {}", name));
  return value.substr(0, value.find('\0'));
}

std::int64_t hdf5_file::integer_attribute(const std::string& object, const std::string& name) const {
  const handle a = impl_->open_attribute(object, name);
  std::int64_t value = 0;
  if (H5Aread(a.get(), H5T_NATIVE_INT64, &value) < 0) impl_->fail(fmt::format("read the attribute {}", name));
  return value;
}

bool hdf5_file::has_attribute(const std::string& object, const std::string& name) const {
  const htri_t found = H5Aexists_by_name(impl_->file.get(), object.c_str(), name.c_str(), H5P_DEFAULT);
  if (found < 0) impl_->fail(fmt::format("look for the attribute {}", name));
  return found > 0;
}

void hdf5_file::make_scale(const std::string& dataset) {
  const hid_t set = impl_->dataset(dataset);
  const std::string own_name = dataset.substr(dataset.rfind('/') + 1);
  if (H5DSset_scale(set, own_name.c_str()) < 0) impl_->fail(fmt::format("make {} a dimension scale", dataset));
}

void hdf5_file::attach_scale(const std::string& dataset, unsigned dimension, const std::string& scale) {
  const hid_t set = impl_->dataset(dataset);
  const hid_t scale_set = impl_->dataset(scale);
  if (H5DSattach_scale(set, scale_set, dimension) < 0) {
    impl_->fail(fmt::format("attach the dimension scale {} to {}", scale, dataset));
  }
}

}  // namespace cotscale
