// No axis of a user's is called as something that a file has.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "cotscale/experiment/coordinates.hpp"
#include "cotscale/experiment/grid.hpp"
#include "cotscale/experiment/matrices.hpp"
#include "specifications.hpp"

namespace cotscale {
namespace {

TEST(names_in_results, are_those_of_everything_that_a_file_has_at_its_root) {
  const specification spec =
      parse(replaced(valid, "architecture = \"lsa\"", "architecture = \"lsa\"\nkeep_weights = true") +
            "[tasks]\nexponents = [1.0]\ndirections = [4]\neach = 2\n");
  const coordinates grid = make_coordinates(spec);
  results_content content = make_content(grid, make_schema(grid));
  detail::add_covariances(spec, grid, content);
  content.inputs = {{.name = "a.h5", .sha256 = "0", .bytes = 1, .contents = "a"}};
  const std::string path =
      (std::filesystem::temp_directory_path() / ("cotscale_names_" + std::to_string(getpid()))).string();
  create_results(path, content, "", {{"schema_version", schema_version}, {"title", std::string("cotscale: test")}});
  const sealed_file file(path);
  std::filesystem::remove(path);
  const auto root_of = [](const std::string& name) { return name.substr(0, name.find('/')); };
  EXPECT_GT(file.description().datasets().size(), 70U);
  for (const stored_dataset& d : file.description().datasets())
    EXPECT_TRUE(is_name_in_results(root_of(d.name))) << d.name;
  for (const char* text :
       {"model", "mixture", "stage", "baseline", "task", "config_toml", "provenance", "integrity", "inputs"}) {
    EXPECT_TRUE(is_name_in_results(text)) << text;
  }
  // A variable of a group names its dimensions without the group.
  for (const char* dimension :
       {"row", "column", "parameter", "feature", "other_feature", "direction", "output", "input"}) {
    EXPECT_TRUE(is_name_in_results(dimension)) << dimension;
  }
  for (const char* free : {"learning_rate", "noise", "exponent"}) EXPECT_FALSE(is_name_in_results(free)) << free;
}

}  // namespace
}  // namespace cotscale
