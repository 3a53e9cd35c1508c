// Sums and maxima over a row, in an order that is fixed and that of no CPU: number j belongs to lane j mod 16, and the
// sixteen lanes are put together in pairs, whether they are one vector register, two, or more.
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

namespace cotscale::nn::detail {

inline constexpr int row_lanes = 16;

#if defined(__AVX512F__)
inline constexpr int register_bytes = 64;
#elif defined(__AVX__)
inline constexpr int register_bytes = 32;
#else
inline constexpr int register_bytes = 16;
#endif

/// Vectors of the CPU, which may stand at the address of any number.
template<class T, int Bytes>
struct vector_of {
  using type [[gnu::vector_size(Bytes), gnu::aligned(sizeof(T)), gnu::may_alias]] = T;
};

template<class T>
using row_vector = typename vector_of<T, register_bytes>::type;

template<class T>
inline constexpr int row_vector_size = register_bytes / static_cast<int>(sizeof(T));

template<class T>
inline constexpr int row_vectors = row_lanes / row_vector_size<T>;

/// What a term sees of a row: a vector of its numbers from `place` on, or one number.
struct vector_at {
  int place;
  template<class T>
  row_vector<T> operator()(const T* row) const {
    return *reinterpret_cast<const row_vector<T>*>(row + place);
  }
};

struct number_at {
  int place;
  template<class T>
  T operator()(const T* row) const {
    return row[place];
  }
};

/// Lanes l and l + half put together, until one number is left.
template<class T, int Size, class Join, int... Low>
T join_lanes(typename vector_of<T, Size* static_cast<int>(sizeof(T))>::type lanes, Join join,
             std::integer_sequence<int, Low...> /*places*/) {
  if constexpr (Size == 2) {
    return join(lanes[0], lanes[1]);
  } else if constexpr (Size * sizeof(T) == 16) {  // GCC keeps vectors of 8 bytes in memory
    const auto pairs = join(lanes, __builtin_shufflevector(lanes, lanes, 2, 3, 2, 3));
    return join(pairs[0], pairs[1]);
  } else {
    constexpr int half = Size / 2;
    const auto pairs =
        join(__builtin_shufflevector(lanes, lanes, Low...), __builtin_shufflevector(lanes, lanes, (Low + half)...));
    return join_lanes<T, half>(pairs, join, std::make_integer_sequence<int, half / 2>());
  }
}

template<class T, class Join>
T join_lanes(row_vector<T> (&lanes)[row_vectors<T>], Join join) {
  for (int half = row_vectors<T> / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) lanes[i] = join(lanes[i], lanes[i + half]);
  }
  constexpr int size = row_vector_size<T>;
  return join_lanes<T, size>(lanes[0], join, std::make_integer_sequence<int, size / 2>());
}

/// term(at) of places first … first + 15 where they are `from` and beyond, 0 elsewhere.
template<class T, class Term>
row_vector<T> masked_term(int first, int from, Term term) {
  using integer = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
  row_vector<integer> places;
  for (int i = 0; i < row_vector_size<T>; ++i) places[i] = first + i;
  return places >= from ? term(vector_at{first}) : row_vector<T>{};
}

/// Σ_j term(at j), j < count, where at(row) is number j of a row: `[&](auto at) { return at(p) * at(q); }`. The last
/// numbers of a row that is no whole number of sixteens are taken with those before them; fewer than sixteen, in order.
template<class T, class Term>
T sum_of_row(int count, Term term) {
  if (count < row_lanes) {
    T sum = 0;
    for (int j = 0; j < count; ++j) sum += term(number_at{j});
    return sum;
  }
  row_vector<T> sums[row_vectors<T>] = {};
  int j = 0;
  for (; j + row_lanes <= count; j += row_lanes) {
    for (int i = 0; i < row_vectors<T>; ++i) sums[i] += term(vector_at{j + i * row_vector_size<T>});
  }
  if (j < count) {
    for (int i = 0; i < row_vectors<T>; ++i) {
      sums[i] += masked_term<T>(count - row_lanes + i * row_vector_size<T>, j, term);
    }
  }
  return join_lanes<T>(sums, [](auto a, auto b) { return a + b; });
}

/// The largest of `count` numbers, a whole number of sixteens; numbers that are no numbers do not count.
template<class T>
T largest_of_row(int count, const T* row) {
  const auto larger = [](auto a, auto b) { return a > b ? a : b; };
  row_vector<T> largest[row_vectors<T>];
  for (int i = 0; i < row_vectors<T>; ++i) largest[i] = vector_at{i * row_vector_size<T>}(row);
  for (int j = row_lanes; j < count; j += row_lanes) {
    for (int i = 0; i < row_vectors<T>; ++i) {
      largest[i] = larger(vector_at{j + i * row_vector_size<T>}(row), largest[i]);
    }
  }
  return join_lanes<T>(largest, larger);
}

}  // namespace cotscale::nn::detail
