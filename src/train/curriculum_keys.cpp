#include "cotscale/train/keys.hpp"

namespace cotscale {

void curriculum_keys(config::keys& k, const std::string& of, const std::string& what, curriculum_ramp& ramp) {
  constexpr std::int64_t most = 100'000'000;
  const std::string start = of + "_start", step = of + "_step", every = of + "_every";
  const std::string begins =
      "curriculum: at first so many " + what + "; 0: all. All must be there before training ends";
  const std::string grows = "curriculum: so many more of them at a time";
  k.value({.name = start, .help = begins}, ramp.first, {.least = 0, .most = most});
  k.when(ramp.first > 0, start + " = 1 or more", [&] {
    k.value({.name = step, .help = grows}, ramp.step, {.least = 1, .most = most});
    k.value({.name = every, .help = "curriculum: steps of training between one time and the next"}, ramp.every,
            {.least = 1, .most = most_training_steps});
  });
}

}  // namespace cotscale
