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
      const bool no_group = axes.rows.empty() && path_of(v).starts_with(weights_group);
      ASSERT_EQ(!no_group && raw.has(path_of(v)), is_present(v, axes)) << v.name;
      if (!is_present(v, axes)) continue;
      extents expected;
      for (const axis a : cell_axes) expected.push_back(axes.length(a));
      for (const axis a : v.own_axes) expected.push_back(axes.length(a));
      EXPECT_EQ(raw.shape(path_of(v)), expected) << v.name;
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
  EXPECT_TRUE(is_results_file(path_));
  EXPECT_NE(message_of_opening<mismatch_error>().find("schema version 4"), std::string::npos);
}

// Files that no seal tells apart.
TEST_F(results_file_test, a_foreign_and_an_older_hdf5_file_are_refused) {
  const auto create_unsealed = [&](const std::string& title, std::int64_t version) {
    hdf5_file file = hdf5_file::create(path_);
    file.set_attribute("/", "title", title);
    file.set_attribute("/", "schema_version", version);
    file.close();
  };
  create_unsealed("somebody else's", schema_version);
  EXPECT_NE(message_of_opening<mismatch_error>().find("not a results file of cotscale"), std::string::npos);
  create_unsealed("cotscale: old", 2);
  EXPECT_NE(message_of_opening<mismatch_error>().find("schema version 2"), std::string::npos);
  create_unsealed("cotscale: new", schema_version);
  EXPECT_NE(message_of_opening<io_error>().find("its seal is not there"), std::string::npos);
}

TEST_F(results_file_test, attributes_that_differ_between_runs_are_in_a_group) {
  create();
  const hdf5_file raw = hdf5_file::open_read(path_);
  EXPECT_EQ(raw.text_attribute("/", "title"), "cotscale: test");
  EXPECT_FALSE(raw.has_attribute("/", "rng"));
  EXPECT_EQ(raw.text_attribute("provenance", "rng"), "none");
  EXPECT_EQ(results_reader(path_).attribute("rng"), "none");
}

TEST_F(results_file_test, parameters_of_a_transformer_keep_their_dimensions) {
  coordinates axes = full_grid();
  axes.weights = {{.name = "h.0.w", .shape = {3, 4}, .dimensions = {"embedding", "hidden"}},
                  {.name = "h.0.b", .shape = {4}, .dimensions = {"hidden"}}};
  create(schema_version, "cotscale: test", axes);
  EXPECT_EQ(results_reader(path_).grid(), axes);
  EXPECT_EQ(hdf5_file::open_read(path_).shape("weights/h.0.w"), (extents{2, 1, 2, 3, 1, 3, 4}));
}

// Whoever opens it: our reader, which must not hand a damaged file to HDF5.
TEST_F(results_file_test, every_flipped_byte_of_what_never_changes_is_found) {
  create(schema_version, "cotscale: test", full_grid());
  const std::uint64_t end = std::filesystem::file_size(path_);
  std::vector<bool> of_cells(end, false);
  const sealed_file whole(path_);
  for (const stored_dataset& d : whole.description().datasets()) {
    if (!d.of_cells()) continue;
    std::fill_n(of_cells.begin() + static_cast<std::ptrdiff_t>(d.offset), d.bytes(), true);
  }
  std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
  const auto write = [&](std::uint64_t at, char byte) {
    file.seekp(static_cast<std::streamoff>(at));
    file.put(byte).flush();
  };
  std::size_t flips = 0;
  for (std::uint64_t at = 0; at < end; at += at < 4096 ? 1 : 37) {
    if (of_cells[at]) continue;
    file.seekg(static_cast<std::streamoff>(at));
    const char before = static_cast<char>(file.get());
    write(at, static_cast<char>(before ^ (1 << at % 8)));
    EXPECT_THROW(results_reader{path_}, io_error) << "byte " << at;
    EXPECT_TRUE(is_results_file(path_) || at < 4096) << "a damaged one may be overwritten";
    write(at, before);
    ++flips;
  }
  EXPECT_GT(flips, 1000U);
  EXPECT_EQ(results_reader(path_).grid(), full_grid());
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
