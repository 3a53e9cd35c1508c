#include "lsa_entries.hpp"

#include "loop.hpp"

namespace cotscale::detail {
namespace {

class entry_list {
 public:
  explicit entry_list(int d) : rows_{d} {}
  void add_block(bool of_w, int row, int column, int height, int width) {
    for (int i = row; i < row + height; ++i) {
      for (int j = column; j < column + width; ++j) {
        entries.push_back({of_w, static_cast<std::size_t>(i) * static_cast<std::size_t>(rows_.count()) +
                                     static_cast<std::size_t>(j)});
      }
    }
  }
  std::vector<entry> entries;

 private:
  lsa_rows rows_;
};

}  // namespace

std::vector<entry> free_entries(const sampled_options& options, int d) {
  const lsa_rows rows{d};
  entry_list list(d);
  if (options.parameters == parameter_set::full) {
    list.add_block(false, 0, 0, rows.count(), rows.count());
    list.add_block(true, 0, 0, rows.count(), rows.count());
    if (!options.free_w24) {
      const std::size_t w24 = static_cast<std::size_t>(rows.label() * rows.count() + rows.flag());
      std::erase_if(list.entries, [&](const entry& e) { return e.of_w && e.index == w24; });
    }
    return list.entries;
  }
  list.add_block(false, rows.weight(), rows.feature(), d, d);
  if (options.free_w13) list.add_block(true, rows.feature(), rows.weight(), d, d);
  if (options.free_w24) list.add_block(true, rows.label(), rows.flag(), 1, 1);
  return list.entries;
}

lsa_parameters starting_point(const sampled_options& options, int d, std::span<const entry> free, stream_key key) {
  if (options.initial == initial_weights::given) return options.given;
  lsa_parameters out = full_parameters({.c = options.c, .v31 = matrix(d, d)});
  if (options.initial == initial_weights::random) {
    lsa_parameters normals = out;
    fill_normal(derived_key("initial LSA weights, V", key), 0, normals.v.values());
    fill_normal(derived_key("initial LSA weights, W", key), 0, normals.w.values());
    for (const entry& e : free) at(out, e) = options.initial_scale * at(normals, e);
  }
  return out;
}

}  // namespace cotscale::detail
