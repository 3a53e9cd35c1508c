#include "cotscale/train/curriculum.hpp"

#include <algorithm>

#include "cotscale/base/error.hpp"

namespace cotscale {

int curriculum_ramp::at(std::int64_t t, int full) const {
  if (first == 0 || first >= full) return full;
  const std::int64_t rises = t / every;
  return rises >= (full - first + step - 1) / step ? full : first + static_cast<int>(rises) * step;
}

void require_valid(const curriculum_ramp& ramp, const char* name) {
  if (ramp.first >= 0 && ramp.step >= 1 && ramp.every >= 1) return;
  throw specification_error(
      fmt::format("the curriculum on {} needs a beginning ≥ 0 (0: none), a step ≥ 1 and an interval ≥ 1, not {}, {} "
                  "and {}",
                  name, ramp.first, ramp.step, ramp.every));
}

void mixture_prompts::draw(std::uint64_t index, int dimension, int examples, prompt& out) const {
  expects(dimension >= 1 && dimension <= this->dimension() && examples >= 1 && examples <= this->examples(),
          "mixture_prompts: {} of {} dimensions, {} of {} examples", dimension, this->dimension(), examples,
          this->examples());
  source_.draw(index, out);
  if (examples < this->examples()) {
    out.x = out.x.block(0, 0, this->dimension(), examples);
    out.y.resize(static_cast<std::size_t>(examples));
    if (!out.noise.empty()) out.noise.resize(out.y.size());
  }
  for (int j = dimension; j < this->dimension(); ++j) {
    double& w = out.w[static_cast<std::size_t>(j)];
    for (int i = 0; i < examples; ++i) {
      out.y[static_cast<std::size_t>(i)] -= w * out.x(j, i);
      out.x(j, i) = 0;
    }
    w = 0;
  }
}

}  // namespace cotscale
