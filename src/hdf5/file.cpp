#include "cotscale/hdf5/file.hpp"

#include <fmt/format.h>
#include <hdf5.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <numeric>

#include "cotscale/base/error.hpp"
#include "cotscale/base/input_file.hpp"
#include "file_impl.hpp"
#include "types.hpp"

namespace cotscale {

using detail::dataspace;
using detail::handle;
using detail::native_type;
using detail::string_type;

namespace {

std::size_t volume(const extents& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>());
}

}  // namespace

void hdf5_file::impl::fail(const std::string& action) const {
  if (access.error == 0) detail::fail(path, action);
  H5Eclear2(H5E_DEFAULT);
  throw io_error(fmt::format("{}: cannot {} ({})", path, action, std::strerror(access.error)));
}

hid_t hdf5_file::impl::dataset(const std::string& name) const {
  if (const auto known = datasets.find(name); known != datasets.end()) return known->second.get();
  handle h(H5Dopen2(file.get(), name.c_str(), H5P_DEFAULT), H5Dclose);
  if (h.get() < 0) fail(fmt::format("open the dataset {}", name));
  return datasets.emplace(name, std::move(h)).first->second.get();
}

void hdf5_file::impl::create(const std::string& name, hid_t type, const extents& shape, const void* fill) const {
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
  const std::size_t places = volume(shape(name));
  expects(values.size() == places, "hdf5_file: {} values for {} places of {}", values.size(), places, name);
  if (H5Dwrite(impl_->dataset(name), native_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0) {
    impl_->fail(fmt::format("write {}", name));
  }
}

template<class T>
std::vector<T> hdf5_file::read(const std::string& name) const {
  std::vector<T> values(volume(shape(name)));
  if (H5Dread(impl_->dataset(name), native_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0) {
    impl_->fail(fmt::format("read {}", name));
  }
  return values;
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
template void hdf5_file::write(const std::string&, std::span<const std::int8_t>);
template void hdf5_file::write(const std::string&, std::span<const std::uint64_t>);
template void hdf5_file::write(const std::string&, std::span<const std::uint8_t>);
template void hdf5_file::write(const std::string&, std::span<const double>);
template void hdf5_file::write(const std::string&, std::span<const std::int64_t>);
template std::vector<double> hdf5_file::read(const std::string&) const;
template std::vector<std::int64_t> hdf5_file::read(const std::string&) const;
template std::vector<std::int32_t> hdf5_file::read(const std::string&) const;
template std::vector<std::int8_t> hdf5_file::read(const std::string&) const;
template std::vector<std::uint64_t> hdf5_file::read(const std::string&) const;

}  // namespace cotscale
