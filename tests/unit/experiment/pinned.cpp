// Keys of random streams are what they were when they were stored in tests/pinned/stream_keys.txt: with other keys all
// random numbers are others. A change of them is a decision, which raises `rng_name`; COTSCALE_RENEW_PINS=1 stores the
// keys of now, and fails once, so that nobody renews them unawares.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include "cotscale/base/random.hpp"
#include "cotscale/experiment/grid.hpp"

namespace cotscale {
namespace {

// Unit tests run in the root of the repository (tests/CMakeLists.txt).
const std::filesystem::path tests_directory = "tests";

// A specification and the value of its hardness axis.
struct pinned_target {
  std::string name;
  std::string target;  ///< the keys of `[target]`
  int d = 4;
  double hardness = std::numeric_limits<double>::quiet_NaN();  ///< NaN: `[target]` has a spectrum, and no key has it
  std::int64_t seed = 0;
  std::string select = "m = inf";
};

const std::vector<pinned_target> targets{
    {.name = "axis", .target = "", .hardness = 6.0},
    {.name = "axis-harder", .target = "", .hardness = 1234.5},
    {.name = "axis-seed", .target = "", .hardness = 6.0, .seed = -9'007'199'254'740'993},
    {.name = "axis-shared", .target = "rotation = \"shared\"", .hardness = 6.0},
    {.name = "axis-independent", .target = "rotation = \"independent\"", .hardness = 6.0},
    {.name = "axis-one", .target = "", .d = 1, .hardness = 1.0},
    {.name = "axis-finite", .target = "", .hardness = 6.0, .select = "m = 50"},
    {.name = "power", .target = "spectrum = \"power_law\"\nexponent = 0.5"},
    {.name = "power-scaled", .target = "spectrum = \"power_law\"\nexponent = 0.5\nscale = \"trace\""},
    {.name = "power-rotated", .target = "spectrum = \"power_law\"\nexponent = -1.25\nrotation = \"shared\""},
    {.name = "list", .target = "spectrum = \"list\"\neigenvalues = [4, 2, 1, 0.3]"},
    {.name = "list-in-other-units", .target = "spectrum = \"list\"\neigenvalues = [4e-3, 2e-3, 1e-3, 0.3e-3]"},
    {.name = "list-singular", .target = "spectrum = \"list\"\neigenvalues = [0, 1, 0, 1e-9]"},
    {.name = "list-scaled",
     .target = "spectrum = \"list\"\neigenvalues = [4, 2, 1, 0.3]\nscale = \"trace\"\nrotation = \"independent\""},
    {.name = "file", .target = "file = \"one-step-target.h5\"", .d = 5, .select = "m = 1"},
    {.name = "file-scaled",
     .target = "file = \"one-step-target.h5\"\nscale = \"trace\"\nrotation = \"shared\"",
     .d = 5},
    {.name = "exponential", .target = "spectrum = \"exponential\"\nrate = 0.5"},
    {.name = "exponential-scaled", .target = "spectrum = \"exponential\"\nrate = 0.5\nscale = \"trace\""},
};

specification specification_of(const pinned_target& t) {
  const bool axis = t.target.find("spectrum") == std::string::npos && t.target.find("file") == std::string::npos;
  const std::string text = fmt::format(
      "[sweep]\nseed = {}\nmodels = [\"lsa\", \"other\"]\nmixtures = [\"matched\", \"skewed\"]\nn = [5, 10]\n"
      "repeats = 2\n{}[task]\nd = {}\n[target]\n{}\n[test]\nk = 2\nm = [3, 40]\nprompts = 8\n[tasks]\n"
      "exponents = 0.2\ndirections = 1\neach = 2\n[select]\n{}\n[models.lsa]\narchitecture = \"lsa\"\n[models.other]\n"
      "architecture = \"lsa\"\n",
      t.seed, axis ? fmt::format("hardness = {}\n", t.hardness) : "", t.d, t.target, t.select);
  return parse_specification(text, t.name, tests_directory / "regression/selections");
}

cell cell_of(const std::string& model, const std::string& mixture, double hardness, std::int64_t n,
             std::int64_t repeat) {
  cell out;
  out.model = model;
  out.mixture = mixture;
  out.hardness = hardness;
  out.n = n;
  out.repeat = repeat;
  return out;
}

// A line for each key: what it is of, its low and its high half.
std::string keys_of(const pinned_target& t) {
  const specification spec = specification_of(t);
  std::string out;
  const auto add = [&](const std::string& what, const stream_key& key) {
    out += fmt::format("{} {} {} {}\n", t.name, what, key.low, key.high);
  };
  for (const int repeat : {0, 1}) {
    for (const int m : {3, 40}) {
      add(fmt::format("test-prompts-repeat-{}-m-{}", repeat, m), test_prompt_key(spec, t.hardness, repeat, m));
    }
  }
  for (const char* model : {"lsa", "other"}) {
    for (const char* mixture : {"matched", "skewed"}) {
      add(fmt::format("training-{}-{}-n-5-repeat-0", model, mixture),
          training_key(spec, cell_of(model, mixture, t.hardness, 5, 0)));
    }
  }
  add("training-lsa-matched-n-10-repeat-1", training_key(spec, cell_of("lsa", "matched", t.hardness, 10, 1)));
  for (const int m : {3, 40}) {
    add(fmt::format("prediction-m-{}", m), prediction_key(spec, t.hardness, m));
    add(fmt::format("null-m-{}", m), null_key(spec, t.hardness, m));
  }
  add("selection", selection_key(spec, t.hardness));
  add("fresh-selection", fresh_selection_key(spec, t.hardness));
  return out;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    out.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

TEST(pinned, stream_keys_are_what_they_were) {
  ASSERT_TRUE(std::filesystem::is_directory(tests_directory)) << "start this test in the root of the repository";
  const std::filesystem::path path = tests_directory / "pinned/stream_keys.txt";
  std::ifstream stored(path);
  const std::string before{std::istreambuf_iterator<char>(stored), {}};
  std::string now = fmt::format("rng {}\n", rng_name);
  for (const pinned_target& t : targets) now += keys_of(t);
  const char* renew = std::getenv("COTSCALE_RENEW_PINS");
  if (renew != nullptr && std::string(renew) == "1" && now != before) {
    std::ofstream(path) << now;
    FAIL() << "renewed tests/pinned/stream_keys.txt; look at the difference, then commit it";
  }
  const std::vector<std::string> keys = lines_of(now), pinned_keys = lines_of(before);
  ASSERT_EQ(keys.size(), pinned_keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    EXPECT_EQ(keys[i], pinned_keys[i]) << "if the change is meant, COTSCALE_RENEW_PINS=1 stores it";
  }
}

TEST(pinned, units_of_a_list_change_no_key_and_everything_else_does) {
  const auto without_name = [](const pinned_target& t) {
    pinned_target same = t;
    same.name = "target";
    return keys_of(same);
  };
  for (const pinned_target& a : targets) {
    for (const pinned_target& b : targets) {
      if (&a == &b) continue;
      const bool units = a.name + b.name == "listlist-in-other-units" || b.name + a.name == "listlist-in-other-units";
      EXPECT_EQ(without_name(a) == without_name(b), units) << a.name << ", " << b.name;
    }
  }
}

}  // namespace
}  // namespace cotscale
