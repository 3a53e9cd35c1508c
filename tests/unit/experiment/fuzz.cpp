// Whatever a specification's text is, it is either understood or refused in words; nothing else may happen.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/experiment/grid.hpp"

namespace cotscale {
namespace {

const std::string seed_text = R"([sweep]
name = "fuzz"
seed = 3
models = ["lsa", "closed", "learned"]
mixtures = ["matched", "skewed", "mine", "mixed", "hard"]
hardness = [4.0, 9.5]
n = [10, 20]
repeats = 2
[task]
d = 3
[target]
rotation = "shared"
[test]
k = 3
m = [5, 6]
prompts = 100
sampler = "auto"
baselines = true
[theory]
draws = 8
[tasks]
exponents = [0.2]
directions = [1, 3]
each = 1
[select]
m = inf
k = 4
samples = 2
[models.lsa]
architecture = "lsa"
tolerance = 1e-6
max_steps = 1000
[models.closed]
architecture = "lsa"
training = "closed_form"
[models.learned]
architecture = "lsa"
training = "samples"
objective = "process"
k_train = 3
optimizer = "sgd"
momentum = 0.5
steps = 50
[mixtures.mixed]
probabilities = [1, 0.5]
[mixtures.mine]
spectrum = "list"
eigenvalues = [1, 0.5, 0]
scale = "trace"
)";

const std::vector<std::string> fragments{
    "0",
    "-1",
    "1e308",
    "nan",
    "inf",
    "-0.0",
    "9223372036854775807",
    "\"\"",
    "[]",
    "[[1]]",
    "{}",
    "true",
    "\n",
    "\"",
    "[",
    "]",
    "=",
    ".",
    "#",
    "[target]\n",
    "d",
    "n",
    "file",
    "\xff",
    "spectrum",
    "\"file\"",
    "\"power_law\"",
    "lsa",
    "1979-05-27",
    "'''",
};

std::string mutated(std::string text, std::mt19937& random) {
  const auto below = [&](std::size_t count) {
    return std::uniform_int_distribution<std::size_t>(0, count - 1)(random);
  };
  for (std::size_t i = 0, count = 1 + below(2); i < count && !text.empty(); ++i) {
    const std::size_t at = below(text.size());
    switch (below(6)) {
      case 0:
        text.erase(at, 1 + below(12));
        break;
      case 1:
        text.insert(at, fragments[below(fragments.size())]);
        break;
      case 2:
        text[at] = static_cast<char>(below(256));
        break;
      case 3:
      case 4: {  // a digit takes another's place
        const std::size_t digit = text.find_first_of("0123456789", at);
        if (digit != std::string::npos) text[digit] = static_cast<char>('0' + below(10));
        break;
      }
      default: {  // a value takes another's place
        const std::size_t equals = text.find("= ", at);
        if (equals == std::string::npos) break;
        const std::size_t end = text.find('\n', equals);
        text.replace(equals + 2, end == std::string::npos ? end : end - equals - 2, fragments[below(fragments.size())]);
      }
    }
  }
  return text;
}

TEST(fuzz, mutated_specifications_are_understood_or_refused) {
  const int rounds = std::getenv("COTSCALE_LONG") != nullptr ? 200'000 : 5'000;
  std::mt19937 random(1);
  int understood = 0;
  for (int i = 0; i < rounds; ++i) {
    const std::string text = mutated(seed_text, random);
    try {
      const specification spec = parse_specification(text, "fuzz.toml", ".");
      const std::string resolved = to_toml(spec);
      ASSERT_EQ(to_toml(parse_specification(resolved, "resolved.toml", ".")), resolved) << text;
      if (spec.d <= 20 && spec.repeats < 1000 && spec.steps < 1000 && spec.tasks.each < 1000) make_coordinates(spec);
      ++understood;
    } catch (const error& e) {
      ASSERT_NE(e.code(), exit_code::internal) << e.what() << "\n" << text;
      ASSERT_STRNE(e.what(), "") << text;
    }
  }
  EXPECT_GT(understood, rounds / 20) << "the mutations are too wild to reach anything";
  EXPECT_LT(understood, rounds);
}

}  // namespace
}  // namespace cotscale
