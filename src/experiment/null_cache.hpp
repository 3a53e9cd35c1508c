// The null distributions of cells, which share them, and the draws that those are made from.
#pragma once

#include <algorithm>
#include <memory>
#include <tuple>
#include <vector>

#include "cotscale/experiment/grid.hpp"
#include "cotscale/theory/null_distribution.hpp"
#include "recent.hpp"

namespace cotscale::detail {

/// Of the matrices that are drawn; prompts in bidiagonal form cost as much as small ones.
inline int dimensions_of_null_draws(const specification& spec, bool scalar) {
  return scalar && spec.d > most_of_small_isotropic ? most_compared_steps : spec.d;
}

class null_cache {
 public:
  null_cache(const specification& spec, const coordinates& grid)
      : spec_(spec),
        grid_(grid),
        draws_(null_draws(dimensions_of_null_draws(spec, is_scalar(spec)), spec.prompts)),
        prompts_(room_for(draws_ * 0.5 * dimensions_of_null_draws(spec, is_scalar(spec)) *
                              (dimensions_of_null_draws(spec, is_scalar(spec)) + 3.0),
                          std::max<std::size_t>(4, grid.m.size()))),
        nulls_(room_for(40.0 * static_cast<double>(grid.m.size()), 20'000)) {}

  /// Over m. `repeat` is −1 where the mixture does not depend on it; `preconditioner` and `target` are the cell's.
  std::shared_ptr<const std::vector<null_distribution>> get(const cell& c, std::int64_t repeat,
                                                            const matrix& preconditioner,
                                                            const prompt_distribution& target,
                                                            const std::stop_token& stop) {
    return nulls_.get({c.mixture, c.hardness, c.n, repeat}, [&] {
      std::vector<null_distribution> out;
      for (const std::int64_t m : grid_.m) {
        const auto prompts = prompts_.get({c.hardness, m}, [&] {
          return null_prompts(target, static_cast<int>(m), draws_, null_key(spec_, c.hardness, m));
        });
        out.push_back(simulate_null(preconditioner, *prompts, spec_.steps, stop));
      }
      return out;
    });
  }

 private:
  using mixture_key = std::tuple<std::string, double, std::int64_t, std::int64_t>;  // mixture, hardness, n, repeat
  const specification& spec_;
  const coordinates& grid_;
  int draws_;
  recent_values<std::pair<double, std::int64_t>, null_prompts> prompts_;  // hardness, m
  recent_values<mixture_key, std::vector<null_distribution>> nulls_;
};

}  // namespace cotscale::detail
