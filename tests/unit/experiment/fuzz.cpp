// Whatever a specification's text is, it is either understood or refused in words; nothing else may happen.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <regex>
#include <string>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/experiment/grid.hpp"
#include "unit/experiment/fuzzed_texts.hpp"

namespace cotscale {
namespace {

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
    "gpt2",
    "\"free\"",
    "\"process\"",
    "select",
    "1e-320",
    "65536",
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

// Every problem is told with the line where it is, or the key that it is about.
void expect_helpful(const std::string& message, const std::string& text) {
  static const std::regex place(R"(fuzz\.toml:\d+: )");
  static const std::regex key(R"(\b(sweep|task|test|theory|target|tasks|select|models|mixtures)\b)");
  EXPECT_TRUE(std::regex_search(message, place) || std::regex_search(message, key)) << message << "\n" << text;
}

// Understands or refuses many mutations of a text. `read` reads a text, throwing an error, and returns what stands for
// it.
void fuzz(const std::string& seed_text, const std::function<void(const std::string&)>& read, int least = 5'000) {
  const int rounds = std::getenv("COTSCALE_LONG") != nullptr ? 100'000 : least;
  std::mt19937 random(1);
  int understood = 0;
  for (int i = 0; i < rounds; ++i) {
    const std::string text = mutated(seed_text, random);
    try {
      read(text);
      ++understood;
    } catch (const error& e) {
      ASSERT_NE(e.code(), exit_code::internal) << e.what() << "\n" << text;
      expect_helpful(e.what(), text);
    } catch (const std::exception& e) {
      FAIL() << "no error of ours: " << e.what() << "\n" << text;
    }
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(understood, rounds / 20) << "the mutations are too wild to reach anything";
  EXPECT_LT(understood, rounds);
}

// What is understood has one canonical text, and a grid if that is of a size to be made.
void read_sweep(const std::string& text) {
  const specification spec = parse_specification(text, "fuzz.toml", ".");
  const std::string resolved = to_toml(spec);
  ASSERT_EQ(to_toml(parse_specification(resolved, "resolved.toml", ".")), resolved) << text;
  if (spec.d <= 20 && spec.repeats < 1000 && spec.steps < 1000 && spec.tasks.each < 1000) make_coordinates(spec);
}

TEST(fuzz, mutated_specifications_are_understood_or_refused) { fuzz(lsa_text, read_sweep); }

TEST(fuzz, mutated_specifications_of_rows_are_understood_or_refused) {
  const std::string path = testing::TempDir() + "fuzzed-rows.csv";
  std::ofstream(path) << "a,b,c\n1,2,3\n3,1,2\n0,4,1\n2,2,5\n";
  std::string text = rows_text;
  for (std::size_t at = 0; (at = text.find("\"fuzzed", at)) != std::string::npos; at += path.size()) {
    text.replace(at, text.find('"', at + 1) + 1 - at, '"' + path + '"');
  }
  fuzz(text, read_sweep, 1'000);  // each reads the file several times
  std::filesystem::remove(path);
}

TEST(fuzz, mutated_specifications_of_transformers_are_understood_or_refused) { fuzz(gpt2_text, read_sweep); }

TEST(fuzz, mutated_specifications_of_selections_are_understood_or_refused) {
  const std::filesystem::path directory =
      std::filesystem::path(testing::TempDir()) / ("cotscale-fuzz-" + std::to_string(::getpid()));
  std::filesystem::create_directories(directory);
  const auto load = [&](const std::string& name, const std::string& text) {
    const std::filesystem::path path = directory / name;
    std::ofstream(path, std::ios::binary) << text;
    return load_selection(path.string());
  };
  fuzz(selection_text, [&](const std::string& text) {
    const specification spec = load("fuzz.toml", text);
    const std::string resolved = selection_to_toml(spec);
    ASSERT_EQ(selection_to_toml(load("resolved.toml", resolved)), resolved) << text;
    if (spec.d <= 20 && spec.tasks.each < 1000) make_candidates(spec, 0);
  });
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace cotscale
