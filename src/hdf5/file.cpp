#include "cotscale/hdf5/file.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <hdf5.h>
#include <hdf5_hl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <map>
#include <numeric>
#include <type_traits>

#include "cotscale/base/error.hpp"
#include "cotscale/base/input_file.hpp"
#include "driver.hpp"
#include "handle.hpp"

namespace cotscale {

using detail::file_access;
using detail::handle;

namespace {

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

std::size_t volume(const extents& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>());
}

}  // namespace

struct hdf5_file::impl {
  std::string path;
  file_access access;
  handle file = {};
  mutable std::map<std::string, handle> datasets = {};  // closed before the file

  impl(std::string name, file_access opened) : path(std::move(name)), access(std::move(opened)) {}

  // In the system's words where a transfer has failed, else in HDF5's.
  [[noreturn]] void fail(const std::string& action) const {
    if (access.error == 0) detail::fail(path, action);
    H5Eclear2(H5E_DEFAULT);
    throw io_error(fmt::format("{}: cannot {} ({})", path, action, std::strerror(access.error)));
  }

  // HDF5 believes that every write has succeeded.
  void require_written(const std::string& action) const {
    if (access.error != 0) fail(action);
  }

  handle object(const std::string& name) const {
    handle h(H5Oopen(file.get(), name.c_str(), H5P_DEFAULT), H5Oclose);
    if (h.get() < 0) fail(fmt::format("open {}", name));
    return h;
  }

  // Opened once and kept: opening costs more than a cell's write.
  hid_t dataset(const std::string& name) const {
    if (const auto known = datasets.find(name); known != datasets.end()) return known->second.get();
    handle h(H5Dopen2(file.get(), name.c_str(), H5P_DEFAULT), H5Dclose);
    if (h.get() < 0) fail(fmt::format("open the dataset {}", name));
    return datasets.emplace(name, std::move(h)).first->second.get();
  }

  void create(const std::string& name, hid_t type, const extents& shape, const void* fill) const {
    const handle properties(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    H5Pset_layout(properties.get(), H5D_CONTIGUOUS);
    H5Pset_alloc_time(properties.get(), H5D_ALLOC_TIME_EARLY);
    H5Pset_attr_creation_order(properties.get(), H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
    H5Pset_obj_track_times(properties.get(), false);  // metadata do not change after creation
    if (fill != nullptr) {
      H5Pset_fill_value(properties.get(), type, fill);
      H5Pset_fill_time(properties.get(), H5D_FILL_TIME_ALLOC);
    }
    const handle space = dataspace(shape);
    handle set(H5Dcreate2(file.get(), name.c_str(), type, space.get(), H5P_DEFAULT, properties.get(), H5P_DEFAULT),
               H5Dclose);
    if (set.get() < 0 || !set.close()) fail(fmt::format("create the dataset {}", name));
    require_written(fmt::format("create the dataset {}", name));
  }

  // Selects a block of the dataset (all of it if `count` is empty and so is `start`); returns (memory space, file
  // space).
  std::pair<handle, handle> select(const std::string& name, hid_t set, const extents& start, const extents& count,
                                   std::size_t values) const {
    handle in_file(H5Dget_space(set), H5Sclose);
    if (!start.empty()) {
      const std::vector<hsize_t> from(start.begin(), start.end());
      const std::vector<hsize_t> size(count.begin(), count.end());
      expects(H5Sget_simple_extent_ndims(in_file.get()) == static_cast<int>(from.size()) && from.size() == size.size(),
              "hdf5_file: block {} + {} of {}", start, count, name);
      if (H5Sselect_hyperslab(in_file.get(), H5S_SELECT_SET, from.data(), nullptr, size.data(), nullptr) < 0) {
        fail(fmt::format("select {} + {} of {}", start, count, name));
      }
    }
    const auto selected = static_cast<std::size_t>(H5Sget_select_npoints(in_file.get()));
    expects(selected == values, "hdf5_file: {} values for {} places of {}", values, selected, name);
    return {dataspace({values}), std::move(in_file)};
  }

  template<class T>
  void write(const std::string& name, const extents& start, const extents& count, std::span<const T> values) const {
    const hid_t set = dataset(name);
    const auto [in_memory, in_file] = select(name, set, start, count, values.size());
    if (H5Dwrite(set, native_type<T>(), in_memory.get(), in_file.get(), H5P_DEFAULT, values.data()) < 0) {
      fail(fmt::format("write {}", name));
    }
  }

  template<class T>
  std::vector<T> read(const std::string& name, const extents& start, const extents& count, std::size_t size) const {
    const hid_t set = dataset(name);
    std::vector<T> values(size);
    const auto [in_memory, in_file] = select(name, set, start, count, size);
    if (H5Dread(set, native_type<T>(), in_memory.get(), in_file.get(), H5P_DEFAULT, values.data()) < 0) {
      fail(fmt::format("read {}", name));
    }
    return values;
  }

  void attribute(const std::string& object_name, const std::string& name, hid_t type, const extents& shape,
                 const void* values) const {
    const handle target = object(object_name);
    const handle space = dataspace(shape);
    const handle a(H5Acreate2(target.get(), name.c_str(), type, space.get(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
    if (a.get() < 0 || H5Awrite(a.get(), type, values) < 0) fail(fmt::format("write the attribute {}", name));
  }

  handle open_attribute(const std::string& object_name, const std::string& name) const {
    const handle target = object(object_name);
    handle a(H5Aopen(target.get(), name.c_str(), H5P_DEFAULT), H5Aclose);
    if (a.get() < 0) fail(fmt::format("read the attribute {}", name));
    return a;
  }
};

hdf5_file::hdf5_file(std::unique_ptr<impl> p) : impl_(std::move(p)) {}
hdf5_file::hdf5_file(hdf5_file&&) noexcept = default;
hdf5_file& hdf5_file::operator=(hdf5_file&&) noexcept = default;
hdf5_file::~hdf5_file() = default;

hdf5_file hdf5_file::create(const std::string& path, std::uint64_t bytes) {
  detail::silence_hdf5();
  auto p = std::make_unique<impl>(path, detail::open_for_creating(path, bytes));
  const handle properties(H5Pcreate(H5P_FILE_CREATE), H5Pclose);
  H5Pset_link_creation_order(properties.get(), H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
  H5Pset_attr_creation_order(properties.get(), H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
  p->file = {H5Fcreate(path.c_str(), H5F_ACC_TRUNC, properties.get(), p->access.properties().get()), H5Fclose};
  if (p->file.get() < 0) p->fail("create the file");
  return hdf5_file(std::move(p));
}

hdf5_file hdf5_file::open_read(const std::string& path) {
  detail::silence_hdf5();
  require_regular_file(path);
  auto p = std::make_unique<impl>(path, detail::open_for_reading(path));
  p->file = {H5Fopen(path.c_str(), H5F_ACC_RDONLY, p->access.properties().get()), H5Fclose};
  if (p->file.get() < 0) {
    if (p->access.error != 0) p->fail("read the file");
    throw not_hdf5_error(fmt::format("{}: cannot open the file as HDF5 ({})", path, detail::error_stack()));
  }
  return hdf5_file(std::move(p));
}

void hdf5_file::close() {
  impl_->datasets.clear();
  const bool closed = impl_->file.close();
  impl_->require_written("write the file");
  if (!closed) impl_->fail("close the file");
}

void hdf5_file::close_durably() {
  close();
  const auto check = [&](bool done) {
    if (!done) throw io_error(fmt::format("{}: cannot write it to disk ({})", path(), reason()));
  };
  check(fsync(impl_->access.file.get()) == 0);
  check(impl_->access.file.close());
}

const std::string& hdf5_file::path() const { return impl_->path; }

bool hdf5_file::has(const std::string& name) const {
  const htri_t found = H5Lexists(impl_->file.get(), name.c_str(), H5P_DEFAULT);
  if (found < 0) impl_->fail(fmt::format("look for {}", name));
  return found > 0;
}

extents hdf5_file::shape(const std::string& dataset) const {
  const hid_t set = impl_->dataset(dataset);
  const handle space(H5Dget_space(set), H5Sclose);
  std::vector<hsize_t> dims(static_cast<std::size_t>(std::max(0, H5Sget_simple_extent_ndims(space.get()))));
  H5Sget_simple_extent_dims(space.get(), dims.data(), nullptr);
  return {dims.begin(), dims.end()};
}

std::uint64_t hdf5_file::offset(const std::string& dataset) const {
  const haddr_t address = H5Dget_offset(impl_->dataset(dataset));
  if (address == HADDR_UNDEF) impl_->fail(fmt::format("find where {} is in the file", dataset));
  return address;
}

void hdf5_file::create_group(const std::string& name) {
  const handle properties(H5Pcreate(H5P_GROUP_CREATE), H5Pclose);
  H5Pset_link_creation_order(properties.get(), H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
  H5Pset_attr_creation_order(properties.get(), H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
  H5Pset_obj_track_times(properties.get(), false);
  handle group(H5Gcreate2(impl_->file.get(), name.c_str(), H5P_DEFAULT, properties.get(), H5P_DEFAULT), H5Gclose);
  if (group.get() < 0 || !group.close()) impl_->fail(fmt::format("create the group {}", name));
}

template<class T>
void hdf5_file::create_dataset(const std::string& name, const extents& shape, T fill) {
  impl_->create(name, native_type<T>(), shape, &fill);
}

void hdf5_file::create_strings(const std::string& name, const extents& shape, const std::vector<std::string>& values) {
  const handle type = string_type(H5T_VARIABLE);
  impl_->create(name, type.get(), shape, nullptr);
  std::vector<const char*> pointers(values.size());
  std::transform(values.begin(), values.end(), pointers.begin(),
                 [](const std::string& value) { return value.c_str(); });
  const hid_t set = impl_->dataset(name);
  if (H5Dwrite(set, type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, pointers.data()) < 0) {
    impl_->fail(fmt::format("write {}", name));
  }
}

template<class T>
void hdf5_file::write(const std::string& name, std::span<const T> values) {
  impl_->write<T>(name, {}, {}, values);
}

template<class T>
void hdf5_file::write_block(const std::string& name, const extents& start, const extents& count,
                            std::span<const T> values) {
  impl_->write<T>(name, start, count, values);
}

template<class T>
std::vector<T> hdf5_file::read(const std::string& name) const {
  return impl_->read<T>(name, {}, {}, volume(shape(name)));
}

template<class T>
std::vector<T> hdf5_file::read_block(const std::string& name, const extents& start, const extents& count) const {
  return impl_->read<T>(name, start, count, volume(count));
}

std::vector<std::string> hdf5_file::read_strings(const std::string& name) const {
  const hid_t set = impl_->dataset(name);
  const handle stored(H5Dget_type(set), H5Tclose);
  if (H5Tget_class(stored.get()) != H5T_STRING || H5Tis_variable_str(stored.get()) <= 0) {
    throw io_error(fmt::format("{}: {} is not a dataset of variable-length strings", impl_->path, name));
  }
  std::vector<char*> pointers(volume(shape(name)));
  const handle type = string_type(H5T_VARIABLE);
  if (H5Dread(set, type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, pointers.data()) < 0) {
    impl_->fail(fmt::format("read {}", name));
  }
  std::vector<std::string> values;
  values.reserve(pointers.size());
  for (const char* text : pointers) values.emplace_back(text != nullptr ? text : "");
  const handle space(H5Dget_space(set), H5Sclose);
  H5Dvlen_reclaim(type.get(), space.get(), H5P_DEFAULT, pointers.data());
  return values;
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

std::string hdf5_library_version() {
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
  return fmt::format("{}.{}.{}", major, minor, release);
}

template void hdf5_file::create_dataset(const std::string&, const extents&, double);
template void hdf5_file::create_dataset(const std::string&, const extents&, float);
template void hdf5_file::create_dataset(const std::string&, const extents&, std::int64_t);
template void hdf5_file::create_dataset(const std::string&, const extents&, std::int32_t);
template void hdf5_file::create_dataset(const std::string&, const extents&, std::int8_t);
template void hdf5_file::create_dataset(const std::string&, const extents&, std::uint64_t);
template void hdf5_file::create_dataset(const std::string&, const extents&, std::uint8_t);
template void hdf5_file::write(const std::string&, std::span<const std::uint8_t>);
template void hdf5_file::write(const std::string&, std::span<const double>);
template void hdf5_file::write(const std::string&, std::span<const std::int64_t>);
template void hdf5_file::write_block(const std::string&, const extents&, const extents&, std::span<const double>);
template void hdf5_file::write_block(const std::string&, const extents&, const extents&, std::span<const float>);
template void hdf5_file::write_block(const std::string&, const extents&, const extents&, std::span<const std::int64_t>);
template void hdf5_file::write_block(const std::string&, const extents&, const extents&, std::span<const std::int32_t>);
template void hdf5_file::write_block(const std::string&, const extents&, const extents&, std::span<const std::int8_t>);
template void hdf5_file::write_block(const std::string&, const extents&, const extents&,
                                     std::span<const std::uint64_t>);
template std::vector<double> hdf5_file::read(const std::string&) const;
template std::vector<std::int64_t> hdf5_file::read(const std::string&) const;
template std::vector<std::int32_t> hdf5_file::read(const std::string&) const;
template std::vector<std::int8_t> hdf5_file::read(const std::string&) const;
template std::vector<std::uint64_t> hdf5_file::read(const std::string&) const;
template std::vector<double> hdf5_file::read_block(const std::string&, const extents&, const extents&) const;
template std::vector<float> hdf5_file::read_block(const std::string&, const extents&, const extents&) const;
template std::vector<std::int64_t> hdf5_file::read_block(const std::string&, const extents&, const extents&) const;
template std::vector<std::int8_t> hdf5_file::read_block(const std::string&, const extents&, const extents&) const;

}  // namespace cotscale
