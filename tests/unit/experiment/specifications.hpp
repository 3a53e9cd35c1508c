// A valid specification, and what is said of one that is changed.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/experiment/specification.hpp"
#include "support/refusal.hpp"

namespace cotscale {

inline constexpr const char* valid = R"([sweep]
name = "test"
models = ["lsa"]
mixtures = ["matched", "mine"]
hardness = [5.0, 8]
n = [10, 20]

[task]
d = 4

[test]
k = 3
m = [5, 6]
prompts = 100

[models.lsa]
architecture = "lsa"

[mixtures.mine]
spectrum = "power_law"
exponent = 2
)";

inline specification parse(const std::string& text, const std::vector<override_key>& overrides = {}) {
  return parse_specification(text, "my.toml", ".", overrides);
}

inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

inline std::string message(const std::string& text, const std::vector<override_key>& overrides = {}) {
  return support::refusal_of([&] { parse(text, overrides); });
}

inline std::string message_with(const std::string& from, const std::string& to) {
  return message(replaced(valid, from, to));
}

}  // namespace cotscale
