// Dense row-major matrices in double precision.
#pragma once

#include <cstddef>
#include <new>
#include <span>
#include <vector>

namespace cotscale {
namespace detail {

/// Memory that begins at a cache line, so that vector loads do not cross lines.
template<class T>
struct line_allocator {
  static constexpr std::align_val_t line{64};
  using value_type = T;
  line_allocator() = default;
  template<class U>
  line_allocator(const line_allocator<U>&) {}
  T* allocate(std::size_t count) { return static_cast<T*>(::operator new(count * sizeof(T), line)); }
  void deallocate(T* p, std::size_t) { ::operator delete(p, line); }
  friend bool operator==(const line_allocator&, const line_allocator&) { return true; }
};

}  // namespace detail

/// Owning matrix of shape (rows, columns), row-major and without padding.
class matrix {
 public:
  matrix() = default;
  matrix(int rows, int columns, double value = 0);
  static matrix identity(int d);
  static matrix diagonal(std::span<const double> values);

  int rows() const { return rows_; }
  int columns() const { return columns_; }
  std::size_t size() const { return data_.size(); }
  double* data() { return data_.data(); }
  const double* data() const { return data_.data(); }
  std::span<double> values() { return data_; }
  std::span<const double> values() const { return data_; }

  double& operator()(int i, int j) { return data_[offset(i, j)]; }
  double operator()(int i, int j) const { return data_[offset(i, j)]; }

  /// Changes the shape; the values are unspecified afterwards. Does not allocate when the capacity suffices.
  void reshape(int rows, int columns);

  /// Copy of the block of the given shape whose upper left corner is (i, j).
  matrix block(int i, int j, int rows, int columns) const;
  void set_block(int i, int j, const matrix& values);

  friend bool operator==(const matrix&, const matrix&) = default;

 private:
  std::size_t offset(int i, int j) const {
    return static_cast<std::size_t>(i) * static_cast<std::size_t>(columns_) + static_cast<std::size_t>(j);
  }

  int rows_ = 0;
  int columns_ = 0;
  std::vector<double, detail::line_allocator<double>> data_;
};

double trace(const matrix& a);
matrix transposed(const matrix& a);

/// alpha·a + beta·b, shapes equal.
matrix combination(double alpha, const matrix& a, double beta, const matrix& b);

/// 2^e·a: the same bits in other units, and ±inf or 0 beyond a double's range.
matrix times_power_of_two(matrix a, int exponent);

/// Largest |a_ij − a_ji|.
double asymmetry(const matrix& a);

}  // namespace cotscale
