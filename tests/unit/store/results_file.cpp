// Files as the root creates them and readers see them; writing over ranks is tested in tests/mpi/run_sweep.cpp.
#include "cotscale/store/results_file.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>

#include "cotscale/base/error.hpp"

namespace cotscale {
namespace {

const coordinates grid{.models = {"lsa", "größer"},
                       .mixtures = {"matched"},
                       .hardness = {2, INFINITY},
                       .target_support_hardness = {2, 3},
                       .n = {1, 2, 3},
                       .repeats = {0},
                       .m = {7, 9},
                       .k = {0, 1, 2},
                       .training_steps = {0, 1},
                       .baselines = {},
                       .tasks = {},
                       .rows = {},
                       .weights = {}};

coordinates full_grid() {
  coordinates full = grid;
  full.baselines = {"least_squares", "oracle"};
  full.tasks = {"leicht", "schwer", "größer"};
  full.rows = {0, 1, 2, 3};
  return full;
}

class results_file_test : public testing::Test {
 protected:
  ~results_file_test() override { std::filesystem::remove(path_); }

  void create(std::int64_t version = schema_version, const std::string& title = "cotscale: test",
              const coordinates& axes = grid) const {
    create_results(path_, axes, "[sweep]\n",
                   {{"schema_version", version}, {"title", title}, {"rng", std::string("none")}});
  }

  template<class Error>
  std::string message_of_opening() const {
    try {
      const results_reader file(path_);
    } catch (const Error& e) {
      return e.what();
    }
    return "no such exception";
  }

  std::string path_ =
      (std::filesystem::temp_directory_path() / ("cotscale_results_" + std::to_string(getpid()))).string();
};

TEST_F(results_file_test, a_new_file_has_its_grid_and_nothing_computed) {
  create();
  const results_reader file(path_);
  EXPECT_EQ(file.grid(), grid);
  EXPECT_EQ(file.config_toml(), "[sweep]\n");
  EXPECT_EQ(file.attribute("title"), "cotscale: test");
  EXPECT_EQ(file.statuses(), std::vector<cell_status>(grid.cell_count(), cell_status::pending));
  for (const double value : file.values("error_mean")) EXPECT_TRUE(std::isnan(value));
  EXPECT_TRUE(file.damaged_cells().empty());
}

TEST_F(results_file_test, has_the_variables_of_the_axes_that_it_has) {
  for (const coordinates& axes : {grid, full_grid()}) {
    create(schema_version, "cotscale: test", axes);
    {
      const results_reader file(path_);
      EXPECT_EQ(file.grid(), axes);
      EXPECT_TRUE(file.damaged_cells().empty());
    }
    const hdf5_file raw = hdf5_file::open_read(path_);
    for (const payload_variable& v : payload_variables()) {
      ASSERT_EQ(raw.has(std::string(v.name)), is_present(v, axes)) << v.name;
      if (!is_present(v, axes)) continue;
      extents expected;
      for (const axis a : cell_axes) expected.push_back(axes.length(a));
      for (const axis a : v.own_axes) expected.push_back(axes.length(a));
      EXPECT_EQ(raw.shape(std::string(v.name)), expected) << v.name;
    }
  }
  const hdf5_file raw = hdf5_file::open_read(path_);
  for (const std::int64_t k : raw.read<std::int64_t>("best_k")) EXPECT_EQ(k, -1) << "nothing is computed yet";
}

// That they are those of the right cell is tested in tests/mpi/run_sweep.cpp.
TEST_F(results_file_test, gives_as_many_values_of_a_cell_as_it_has) {
  create(schema_version, "cotscale: test", full_grid());
  const results_reader file(path_);
  const cell_position cell{1, 0, 1, 2, 0};
  EXPECT_EQ(file.cell_values("v", cell).size(), 4U * 4);
  EXPECT_EQ(file.cell_values("error_mean", cell).size(), 2U * 3);
  EXPECT_EQ(file.cell_values("task_probability", cell).size(), 3U);
  EXPECT_EQ(file.cell_values("spectral_radius", cell).size(), 1U);
  EXPECT_THROW(file.cell_values("error_mean", {2, 0, 0, 0, 0}), io_error) << "there is no such cell";
}

TEST_F(results_file_test, leaves_no_temporary_file) {
  create();
  EXPECT_FALSE(std::filesystem::exists(path_ + ".creating"));
}

TEST_F(results_file_test, another_schema_version_is_refused_by_number) {
  create(schema_version + 1);
  EXPECT_NE(message_of_opening<mismatch_error>().find("schema version 4"), std::string::npos);
}

TEST_F(results_file_test, a_foreign_hdf5_file_is_refused) {
  create(schema_version, "somebody else's");
  EXPECT_NE(message_of_opening<mismatch_error>().find("not a results file of cotscale"), std::string::npos);
}

TEST_F(results_file_test, a_missing_a_truncated_and_a_foreign_file_are_told_apart) {
  EXPECT_NE(message_of_opening<io_error>().find("no such file"), std::string::npos);
  create();
  std::filesystem::resize_file(path_, std::filesystem::file_size(path_) / 2);
  EXPECT_NE(message_of_opening<io_error>().find("truncated"), std::string::npos);
  std::ofstream(path_, std::ios::trunc) << "a text\n";
  EXPECT_NE(message_of_opening<io_error>().find("not HDF5"), std::string::npos);
}

}  // namespace
}  // namespace cotscale
