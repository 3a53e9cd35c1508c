// Explicit prompts to train on, and a curriculum that lets them grow. (Garg et al., arXiv 2208.01066, appendix A.2)
#pragma once

#include <cstdint>
#include <vector>

#include "cotscale/task/mixture.hpp"
#include "cotscale/task/prompt.hpp"

namespace cotscale {

/// A size that begins with `first` and grows by `step` every so many steps of training until it is full.
struct curriculum_ramp {
  int first = 0;  ///< 0: full from the beginning
  int step = 1;
  std::int64_t every = 2000;

  int at(std::int64_t t, int full) const;
};

/// Throws specification_error unless the ramp grows.
void require_valid(const curriculum_ramp& ramp, const char* name);

/// Prompts of which each draws one task of the mixture, then its examples and its weight. Prompt i is a function of
/// (key, i); a smaller one is the beginning of the full one.
class mixture_prompts {
 public:
  mixture_prompts(const task_mixture& tasks, int n, stream_key key) : source_(tasks, n, key) {}

  int dimension() const { return source_.dimension(); }
  int examples() const { return source_.examples(); }

  /// The first `examples` examples; only the first `dimension` coordinates of x and w are not zero.
  void draw(std::uint64_t index, int dimension, int examples, prompt& out) const;

 private:
  mixture_source source_;
};

}  // namespace cotscale
