// Distances in units in the last place.
#pragma once

#include <cmath>
#include <limits>

namespace cotscale::support {

/// |value − exact| in units in the last place of T at `exact`, or at T's smallest normal number if that is larger;
/// infinite if `value` is not finite.
template<class T>
double ulps(T value, long double exact) {
  if (!std::isfinite(value)) return std::numeric_limits<double>::infinity();
  const long double size = std::fmax(std::fabs(exact), static_cast<long double>(std::numeric_limits<T>::min()));
  const long double unit = std::ldexp(1.0L, std::ilogb(size) - std::numeric_limits<T>::digits + 1);
  return static_cast<double>(std::fabs(static_cast<long double>(value) - exact) / unit);
}

/// The largest of many distances, and where it is.
template<class T>
struct worst_place {
  double distance = 0;
  T place = 0;

  void add(T x, double d) {
    if (!(d <= distance)) distance = d, place = x;
  }
};

}  // namespace cotscale::support
