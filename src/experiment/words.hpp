// The words of each enumeration of a specification, in the order of its values.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "cotscale/experiment/specification.hpp"

namespace cotscale::detail {

inline const std::vector<std::string> spectrum_words{"power_law", "list", "file"};
inline const std::vector<std::string> rotation_words{"none", "shared", "independent"};
inline const std::vector<std::string> scale_words{"none", "trace"};
inline const std::vector<std::string> architecture_words{"lsa", "gpt2"};
inline const std::vector<std::string> size_words{"tiny", "small", "standard", "free"};
inline const std::vector<std::string> training_words{"population", "closed_form", "samples"};
inline const std::vector<std::string> roll_out_words{"recursion", "definition"};
inline const std::vector<std::string> sampler_words{"auto", "wishart", "explicit"};

inline const std::vector<std::string> objective_words{"direct", "process", "outcome", "rollout"};
inline const std::vector<std::string> target_words{"geometric", "gd"};
inline const std::vector<std::string> parameter_words{"full", "slice"};
inline const std::vector<std::string> optimizer_words{"gd", "sgd", "adam", "adamw"};
inline const std::vector<std::string> schedule_words{"constant", "cosine"};
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
