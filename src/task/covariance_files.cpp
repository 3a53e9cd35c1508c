#include "cotscale/task/covariance_files.hpp"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/hdf5/file.hpp"

namespace cotscale {
namespace {

// Covariances from consecutive (d, d) blocks of numbers; `name` says which one is wrong, or had to be mended.
covariance covariance_from(std::span<const double> numbers, int d, const std::string& name, std::string& notice) {
  matrix values(d, d);
  std::copy(numbers.begin(), numbers.end(), values.data());
  try {
    covariance out = covariance::from_matrix(values, &notice);
    if (!notice.empty()) notice = fmt::format("{}: {}", name, notice);
    return out;
  } catch (const specification_error& e) {
    throw specification_error(fmt::format("{}: {}", name, e.what()));
  }
}

hdf5_file open_with_covariance(const std::string& path) {
  hdf5_file file = hdf5_file::open_read(path);
  if (!file.has("covariance")) throw specification_error(fmt::format("{} has no dataset `covariance`", path));
  return file;
}

}  // namespace

std::shared_ptr<const covariance> read_covariance_file(const std::string& path, int d, std::string& notice) {
  const hdf5_file file = open_with_covariance(path);
  if (const auto side = static_cast<std::uint64_t>(d); file.shape("covariance") != extents{side, side}) {
    throw specification_error(
        fmt::format("`covariance` in {} must have shape ({}, {}) for task.d = {}", path, d, d, d));
  }
  return std::make_shared<const covariance>(covariance_from(file.read<double>("covariance"), d, path, notice));
}

std::shared_ptr<const candidate_tasks> read_candidates_file(const std::string& path, int d) {
  const hdf5_file file = open_with_covariance(path);
  const extents shape = file.shape("covariance");
  const auto side = static_cast<std::uint64_t>(d);
  if (shape.size() != 3 || shape[0] == 0 || shape[1] != side || shape[2] != side) {
    throw specification_error(fmt::format("`covariance` in {} has shape ({}), not (tasks, {}, {}) for task.d = {}",
                                          path, fmt::join(shape, ", "), d, d, d));
  }
  candidate_tasks out;
  if (file.has("name")) out.names = file.read_strings("name");
  if (!out.names.empty() && out.names.size() != shape[0]) {
    throw specification_error(
        fmt::format("{} has {} tasks, but {} values of `name`", path, shape[0], out.names.size()));
  }
  const std::vector<double> numbers = file.read<double>("covariance");
  for (std::size_t i = 0; i < shape[0]; ++i) {
    if (out.names.size() == i) out.names.push_back(fmt::format("task{}", i));
    std::string notice;
    out.tasks.push_back(covariance_from(std::span(numbers).subspan(i * side * side, side * side), d,
                                        fmt::format("{}, task {} ({})", path, i, out.names[i]), notice));
    if (!notice.empty()) out.notices.push_back(std::move(notice));
  }
  return std::make_shared<const candidate_tasks>(std::move(out));
}

}  // namespace cotscale
