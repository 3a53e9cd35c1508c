// Files that a table names are those that were identified, or a problem of their key.
#include "cotscale/config/named_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "cotscale/base/error.hpp"
#include "cotscale/base/hash.hpp"
#include "cotscale/config/reader.hpp"
#include "cotscale/config/toml_text.hpp"

namespace cotscale::config {
namespace {

using testing::HasSubstr;

class named : public testing::Test {
 protected:
  named() { std::filesystem::create_directory(directory_); }
  ~named() override { std::filesystem::remove_all(directory_); }

  void write(const std::string& text) const { std::ofstream(directory_ / "data.txt") << text; }

  // What the reader says of it; empty: nothing.
  std::string refusal(const std::function<void()>& meanwhile) {
    const toml::table root = parse_text("[t]\nfile = \"data.txt\"\n", "t.toml");
    problem_list problems("t.toml");
    reader keys(root["t"].as_table(), "t", problems);
    file_keys(keys, file_, "help", "data");
    open_file(keys, file_, directory_, "data", [&](const std::string&) { meanwhile(); });
    try {
      problems.raise();
    } catch (const specification_error& e) {
      return e.what();
    }
    return "";
  }

  std::filesystem::path directory_ =
      std::filesystem::temp_directory_path() / ("cotscale_named_" + std::to_string(getpid()));
  named_file file_;
};

TEST_F(named, is_identified_by_its_contents) {
  write("one");
  EXPECT_EQ(refusal([] {}), "");
  EXPECT_EQ(file_.sha256, sha256("one"));
}

TEST_F(named, that_changes_while_it_is_read_is_refused) {
  write("one");
  EXPECT_THAT(refusal([&] { write("two"); }), HasSubstr("t.file names a file that changed while it was read"));
  write("one");
  EXPECT_THAT(refusal([&] { std::filesystem::remove(directory_ / "data.txt"); }), HasSubstr("cannot be read"));
}

}  // namespace
}  // namespace cotscale::config
