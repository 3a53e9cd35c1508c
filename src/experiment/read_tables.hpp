// Readers of the tables of a specification, a file each for covariances and for models; see specification.cpp for the
// rest.
#pragma once

#include <filesystem>
#include <initializer_list>
#include <string>
#include <vector>

#include "cotscale/config/toml_reader.hpp"
#include "cotscale/experiment/specification.hpp"
#include "words.hpp"

namespace cotscale::detail {

inline constexpr std::int64_t most_examples = 100'000'000;
inline constexpr std::int64_t most_dimensions = 20'000;

/// Reports those of the keys that are set although they do not apply, lest they silently do nothing.
void only_with(table_reader& keys, bool applies, std::initializer_list<const char*> names,
               const std::string& condition);

/// A number > 0, a number ≥ 0, one of the words of an enumeration.
double positive(table_reader& keys, const std::string& key, double fallback);
double not_negative(table_reader& keys, const std::string& key, double fallback);
template<class Enum>
Enum word(table_reader& keys, const std::string& key, const std::vector<std::string>& words, Enum fallback) {
  return value_of<Enum>(words, keys.choice(key, words, word_of(words, fallback)));
}

/// `[target]` or `[mixtures.NAME]`, `[tasks]`, and `[mixtures.NAME]` with probabilities over `spec.tasks`.
covariance_specification read_covariance(table_reader& keys, const specification& spec, rotation default_rotation,
                                         bool needs_spectrum);
tasks_specification read_tasks(table_reader& keys, const specification& spec);
mixture_specification read_probabilities(table_reader& keys, const specification& spec);

/// `[models.NAME]`.
model_specification read_model(table_reader& keys);

}  // namespace cotscale::detail
