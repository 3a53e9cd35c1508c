// A small grid with every kind of model and of mixture, and what its cells compute.
#pragma once

#include <algorithm>
#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "cotscale/experiment/cell.hpp"

namespace cotscale {

inline constexpr const char* text = R"([sweep]
seed = 5
models = ["population", "closed", "learned"]
mixtures = ["matched", "skewed", "uniform", "selected", "mine"]
hardness = [4.0, 9.0]
n = [3, 20]
repeats = 2
[task]
d = 3
[target]
rotation = "shared"
[tasks]
exponents = [0.2, 1.0]
directions = [2, 3]
each = 1
[test]
k = 4
m = [2, 9]
prompts = 37
[theory]
draws = 5
[models.population]
architecture = "lsa"
tolerance = 1e-9
[models.closed]
architecture = "lsa"
training = "closed_form"
c = -0.5
[models.learned]
architecture = "lsa"
training = "samples"
steps = 12
batch = 16
keep_weights = true
[mixtures.mine]
probabilities = [1, 0, 2, 1]
)";

inline specification make(const std::vector<override_key>& overrides = {}) {
  return parse_specification(text, "test.toml", ".", overrides);
}

// A cell by its values, wherever it stands.
inline cell find(const coordinates& grid, const std::string& model, const std::string& mixture, std::int64_t n = 3,
                 std::int64_t repeat = 0) {
  cell wanted{
      .position = {}, .model = model, .mixture = mixture, .hardness = grid.hardness.front(), .n = n, .repeat = repeat};
  wanted.position = find_cell(grid, wanted).value();
  return wanted;
}

// The first variable in which two results differ, bit by bit; empty if there is none.
inline std::string difference(const cell_values& a, const cell_values& b) {
  for (const variable_slot& slot : a.schema()->slots()) {
    const auto x = a.bytes_of(slot), y = b.bytes_of(slot);
    if (!std::equal(x.begin(), x.end(), y.begin(), y.end())) return slot.declared.name;
  }
  return "";
}

inline cell_values alone(const specification& spec, const coordinates& grid, const cell& c) {
  return compute_cell(spec, grid, c, std::stop_token());
}

}  // namespace cotscale
