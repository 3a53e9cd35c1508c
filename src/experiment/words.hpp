// The words of each enumeration of a specification, in the order of its values.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "cotscale/experiment/specification.hpp"
#include "cotscale/train/objective_part.hpp"
#include "cotscale/train/optimizer_part.hpp"

namespace cotscale::detail {

inline const std::vector<std::string> spectrum_words{"power_law", "list", "file"};
inline const std::vector<std::string> rotation_words{"none", "shared", "independent"};
inline const std::vector<std::string> scale_words{"none", "trace"};
inline const std::vector<std::string> architecture_words{"lsa", "gpt2", "softmax"};
inline const std::vector<std::string> size_words{"tiny", "small", "standard", "free"};
inline const std::vector<std::string> training_words{"population", "closed_form", "samples"};
inline const std::vector<std::string> roll_out_words{"recursion", "definition"};
inline const std::vector<std::string> sampler_words{"auto", "wishart", "explicit"};

template<class Part>
std::vector<std::string> words_of(std::span<const Part* const> parts) {
  std::vector<std::string> out;
  for (const Part* part : parts) {
    if constexpr (requires { part->word(); }) {
      out.emplace_back(part->word());
    } else {
      out.emplace_back(part->word);
    }
  }
  return out;
}

inline const std::vector<std::string> objective_words = words_of(objective_parts());
inline const std::vector<std::string> target_words{"geometric", "gd"};
inline const std::vector<std::string> parameter_words{"full", "slice"};
inline const std::vector<std::string> optimizer_words = words_of(optimizer_parts());
inline const std::vector<std::string> schedule_words = words_of(schedule_parts());
inline const std::vector<std::string> initial_words{"theorem", "random", "stored"};

template<class Enum>
Enum value_of(const std::vector<std::string>& words, const std::string& word) {
  return static_cast<Enum>(std::find(words.begin(), words.end(), word) - words.begin());
}

template<class Enum>
const std::string& word_of(const std::vector<std::string>& words, Enum value) {
  return words.at(static_cast<std::size_t>(value));
}

}  // namespace cotscale::detail
