#include "cotscale/experiment/matrices.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <numeric>
#include <optional>
#include <unordered_map>
#include <utility>

#include "cotscale/base/error.hpp"
#include "cotscale/base/hash.hpp"
#include "cotscale/experiment/stages.hpp"
#include "declarations.hpp"

namespace cotscale::detail {
namespace {

// What is large beside the results would make creating and opening a file slow, and a small file large.
constexpr std::uint64_t least_room = 1'000'000, most_room = 16'000'000;

// Bytes of the matrices that are made to see which varied keys change them; more would make a run begin late.
constexpr std::uint64_t most_compared = 500'000'000;

// Bytes for matrices: 1 MB, or as much as four results over cells, m and k, which is about a quarter of them all.
std::uint64_t room_beside(const coordinates& grid) {
  constexpr double variables = 4, beyond_all = 1e18;
  const double bytes = variables * sizeof(double) * static_cast<double>(grid.cell_count()) *
                       static_cast<double>(grid.m.size()) * static_cast<double>(grid.k.size());
  return std::max(least_room, static_cast<std::uint64_t>(std::min(bytes, beyond_all)));
}

// The covariances at a place; null: a mixture of candidates, or one on which nothing trains there.
using covariances_there = std::vector<std::optional<covariance>>;

// Covariances of one kind, and what tells them apart.
struct family {
  std::string name;
  std::string long_name;
  std::vector<std::size_t> axes;      // of cells, ascending; varied keys are looked at beside them
  std::vector<std::string> own_axis;  // of the covariances at a place; empty: there is one
  std::size_t count = 1;              // of covariances at a place
  std::function<covariances_there(const cell&)> at;
  bool keys_of_models = false;  // whether such keys may change which of them are there

  std::string covariances() const { return name + "_covariance"; }
  std::string eigenvalues() const { return name + "_eigenvalues"; }
};

std::optional<covariance> covariance_of_one_task(const specification& spec, const std::string& mixture,
                                                 double hardness) {
  const std::vector<std::string> trained_on = all_mixtures(spec);
  const bool there = std::find(trained_on.begin(), trained_on.end(), mixture) != trained_on.end();
  if (!there || depends_on_candidates(spec, mixture)) return std::nullopt;
  return mixture_covariance(spec, mixture, target_covariance(spec, hardness)).in_full();
}

std::vector<family> families(const specification& spec, const coordinates& grid) {
  const auto variant = [&spec](const cell& c) -> const specification& { return variant_of(spec, c.variant); };
  std::vector<family> out;
  out.push_back(
      {"target", "covariance Sigma of the test prompts' features", {hardness_axis}, {}, 1, [=](const cell& c) {
         return covariances_there{target_covariance(variant(c), c.hardness).in_full()};
       }});
  out.push_back(
      {"mixture",
       "covariance Lambda of the training prompts' features, of mixtures of one task",
       {mixture_axis, hardness_axis},
       {},
       1,
       [=](const cell& c) { return covariances_there{covariance_of_one_task(variant(c), c.mixture, c.hardness)}; }});
  if (!grid.stage_mixtures.empty()) {
    out.push_back(
        {"stage_mixture",
         "covariance Lambda of the training prompts' features, of mixtures of one task that stages alone have",
         {hardness_axis},
         {"stage_mixture"},
         grid.stage_mixtures.size(),
         [=, mixtures = grid.stage_mixtures](const cell& c) {
           covariances_there there;
           for (const std::string& mixture : mixtures) {
             there.push_back(covariance_of_one_task(variant(c), mixture, c.hardness));
           }
           return there;
         },
         true});
  }
  if (grid.tasks.empty()) return out;
  std::vector<std::size_t> axes;
  if (spec.tasks.source == tasks_specification::kind::generated) axes = {first_further_axis + grid.further.size()};
  out.push_back({"candidate",
                 "covariance of the features of a candidate task",
                 axes,
                 {"task"},
                 grid.tasks.size(),
                 [=](const cell& c) {
                   const std::shared_ptr<const candidate_tasks> candidates = make_candidates(variant(c), c.repeat);
                   return covariances_there(candidates->tasks.begin(), candidates->tasks.end());
                 }});
  return out;
}

// Positions along these axes, row-major, at the first value of all others.
std::vector<cell_position> places_along(const std::vector<std::size_t>& axes, const results_schema& schema) {
  std::vector<cell_position> out{cell_position(schema.cell_dimensions(), 0)};
  for (const std::size_t axis : axes) {
    std::vector<cell_position> longer;
    for (const cell_position& place : out) {
      for (std::size_t i = 0; i < schema.dimensions()[axis].length(); ++i) {
        longer.push_back(place);
        longer.back()[axis] = i;
      }
    }
    out = std::move(longer);
  }
  return out;
}

std::uint64_t digest(const covariances_there& all) {
  checksum sum;
  for (const std::optional<covariance>& c : all) {
    const std::array<std::byte, 1> is_there{std::byte{c.has_value()}};
    sum.add(is_there);
    if (c) sum.add(std::as_bytes(c->values().values()));
  }
  return sum.value();
}

std::string too_large(const std::string& name, std::uint64_t count, std::uint64_t bytes, std::uint64_t room) {
  return fmt::format("{} would take {:.3g} MB, and there is room for {:.3g} MB", name,
                     1e-6 * static_cast<double>(count) * static_cast<double>(bytes), 1e-6 * static_cast<double>(room));
}

class covariance_writer {
 public:
  covariance_writer(const specification& spec, const coordinates& grid, results_content& content)
      : spec_(spec), grid_(grid), content_(content), room_(std::min(most_room, room_beside(grid))) {}

  void add(const family& f) {
    const auto d = static_cast<std::uint64_t>(spec_.d);
    if (!has_room(f, f.axes, d, f.eigenvalues())) return;
    const std::vector<std::size_t> looked_at = axes_that_may_matter(f);
    if (const std::uint64_t all = count(f, looked_at);
        looked_at != f.axes && all > most_compared / (d * d * sizeof(double))) {
      left_out.push_back(
          fmt::format("{} and {}, since {} matrices would have to be compared for each of the varied keys",
                      f.covariances(), f.eigenvalues(), all));
      return;
    }
    const std::vector<std::size_t> axes = axes_of(f, looked_at);
    if (axes != f.axes && !has_room(f, axes, d, f.eigenvalues())) return;
    fill(f, axes, has_room(f, axes, d * d + d, f.covariances()));
  }

  std::vector<std::string> left_out;

 private:
  std::uint64_t count(const family& f, const std::vector<std::size_t>& axes) const {
    return std::accumulate(axes.begin(), axes.end(), std::uint64_t{f.count}, [&](std::uint64_t n, std::size_t axis) {
      return n * content_.schema->dimensions()[axis].length();
    });
  }

  // Whether there is room for so many numbers of each; if not, the file says so.
  bool has_room(const family& f, const std::vector<std::size_t>& axes, std::uint64_t numbers, const std::string& name) {
    const std::uint64_t all = count(f, axes), bytes = numbers * sizeof(double);
    if (all <= room_ / bytes) return true;
    left_out.push_back(too_large(name, all, bytes, room_));
    return false;
  }

  // Its own axes, and those of varied keys; those of models change no covariance, but which mixtures stages have.
  std::vector<std::size_t> axes_that_may_matter(const family& f) const {
    std::vector<std::size_t> out = f.axes;
    for (std::size_t i = 0; i < spec_.axes.size(); ++i) {
      if (f.keys_of_models || spec_.axes[i].model.empty()) out.push_back(first_further_axis + i);
    }
    std::sort(out.begin(), out.end());
    return out;
  }

  // Of these, its own and those along which the covariances differ.
  std::vector<std::size_t> axes_of(const family& f, std::vector<std::size_t> candidates) const {
    if (candidates == f.axes) return candidates;
    std::unordered_map<std::size_t, std::uint64_t> digests;
    const std::vector<cell_position> places = places_along(candidates, *content_.schema);
    for (const cell_position& place : places) digests[cell_number(grid_, place)] = digest(at(f, place));
    std::erase_if(candidates, [&](std::size_t axis) {
      const auto as_at_first = [&](cell_position place) {
        const std::uint64_t own = digests.at(cell_number(grid_, place));
        place[axis] = 0;
        return own == digests.at(cell_number(grid_, place));
      };
      const bool own = std::find(f.axes.begin(), f.axes.end(), axis) != f.axes.end();
      return !own && std::all_of(places.begin(), places.end(), as_at_first);
    });
    return candidates;
  }

  covariances_there at(const family& f, const cell_position& place) const {
    return f.at(make_cell(grid_, cell_number(grid_, place)));
  }

  void fill(const family& f, const std::vector<std::size_t>& axes, bool whole) {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    const auto d = static_cast<std::size_t>(spec_.d);
    std::vector<double> values, eigenvalues;
    for (const cell_position& place : places_along(axes, *content_.schema)) {
      for (const std::optional<covariance>& c : at(f, place)) {
        if (!c) {
          values.resize(values.size() + (whole ? d * d : 0), nan);
          eigenvalues.resize(eigenvalues.size() + d, nan);
          continue;
        }
        const std::span<const double> matrix = c->values().values();
        if (whole) values.insert(values.end(), matrix.begin(), matrix.end());
        std::vector<double> sorted(c->eigenvalues().begin(), c->eigenvalues().end());
        std::sort(sorted.begin(), sorted.end(), std::greater<>());
        eigenvalues.insert(eigenvalues.end(), sorted.begin(), sorted.end());
      }
    }
    if (whole) store(f, axes, f.covariances(), {"feature", "other_feature"}, f.long_name, std::move(values));
    store(f, axes, f.eigenvalues(), {"direction"}, "eigenvalues, descending, of the " + f.long_name,
          std::move(eigenvalues));
  }

  void store(const family& f, const std::vector<std::size_t>& axes, const std::string& name,
             const std::vector<std::string>& own, const std::string& long_name, std::vector<double> values) {
    variable described{.name = name, .long_name = long_name, .group = std::string(matrices_group)};
    for (const std::size_t axis : axes) described.axes.push_back(content_.schema->dimensions()[axis].name);
    described.axes.insert(described.axes.end(), f.own_axis.begin(), f.own_axis.end());
    described.axes.insert(described.axes.end(), own.begin(), own.end());
    room_ -= values.size() * sizeof(double);
    content_.fixed.push_back({std::move(described), std::move(values)});
  }

  const specification& spec_;
  const coordinates& grid_;
  results_content& content_;
  std::uint64_t room_;
};

bool has_maps(const specification& spec) {
  return std::any_of(spec.model_tables.begin(), spec.model_tables.end(),
                     [](const auto& table) { return table.second.architecture->has_theory(); });
}

bool one_dimension(const specification& spec) {
  return std::all_of(spec.variants.begin(), spec.variants.end(), [&](const auto& v) { return v->d == spec.d; });
}

}  // namespace

void add_matrix_dimensions(const specification& spec, coordinates& grid) {
  const std::uint64_t room = room_beside(grid), d = static_cast<std::uint64_t>(spec.d), bytes = d * d * sizeof(double);
  // Beyond most_dimensions all is isotropic, and a file says nothing that an eigenvalue and d do not.
  if (!one_dimension(spec) || spec.d > most_dimensions) return;
  const auto indices = [&] {
    std::vector<std::int64_t> out(d);
    std::iota(out.begin(), out.end(), 0);
    return out;
  };
  grid.directions = indices();
  grid.stage_mixtures = mixtures_of_stages_alone(spec);
  if (bytes <= std::min(room, most_room)) grid.features = indices();
  if (has_maps(spec) && grid.cell_count() <= room / bytes) grid.map_rows = indices();
}

void add_covariances(const specification& spec, const coordinates& grid, results_content& content) {
  std::vector<std::string> left_out{
      one_dimension(spec)
          ? fmt::format("d is {}: covariances, eigenvalues and maps, all of which are isotropic", spec.d)
          : "d differs between cells"};
  if (!grid.directions.empty()) {
    covariance_writer out(spec, grid, content);
    for (const family& f : families(spec, grid)) out.add(f);
    left_out = std::move(out.left_out);
    if (has_maps(spec) && grid.map_rows.empty()) {
      const std::uint64_t d = grid.directions.size();
      left_out.push_back(too_large("preconditioner", grid.cell_count(), d * d * sizeof(double), room_beside(grid)));
    }
  }
  if (left_out.empty()) return;
  content.notes.push_back({std::string(matrices_group), "left_out", fmt::format("{}", fmt::join(left_out, "; "))});
}

}  // namespace cotscale::detail
