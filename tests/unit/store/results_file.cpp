// Files as the root creates them and readers see them; writing over ranks is tested in tests/mpi/run_sweep.cpp.
#include "cotscale/store/results_file.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "cotscale/base/error.hpp"

namespace cotscale {
namespace {

std::vector<variable> declared() {
  using enum value_type;
  return {{"error_mean", f64, {"m", "k"}, "mean error"},
          {"final_loss", f64, {"stage?"}, "loss at the end of a stage"},
          {"best_k", i64, {"m"}, "best k"},
          {.name = "converged", .type = i8, .long_name = "whether it did", .meanings = "not_computed no yes"},
          {"task_probability", f64, {"task"}, "share of a task"},
          {"v", f64, {"row", "column"}, "V", "1", "weights"},
          {"bias", f32, {"row"}, "a parameter", "1", "weights"}};
}

// Dimensions of cells, and others; the second shape has more of them.
std::shared_ptr<const results_schema> small() {
  return std::make_shared<const results_schema>(
      std::vector<dimension>{{"model", std::vector<std::string>{"lsa", "größer"}, "model", true},
                             {"hardness", std::vector<double>{2, INFINITY}, "hardness", true},
                             {"n", std::vector<std::int64_t>{1, 2, 3}, "examples", true},
                             {"m", std::vector<std::int64_t>{7, 9}, "test examples"},
                             {"k", std::vector<std::int64_t>{0, 1, 2}, "steps"}},
      declared());
}

std::shared_ptr<const results_schema> full() {
  std::vector<dimension> dimensions = small()->dimensions();
  const std::vector<std::int64_t> four{0, 1, 2, 3};
  dimensions.push_back({"task", std::vector<std::string>{"leicht", "größer"}, "task"});
  dimensions.push_back({.name = "row", .values = four, .long_name = "row", .group = "weights"});
  dimensions.push_back({.name = "column", .values = four, .long_name = "column", .group = "weights"});
  dimensions.push_back({"stage", std::vector<std::string>{"first", "second"}, "stage of training"});
  return std::make_shared<const results_schema>(dimensions, declared());
}

class results_file_test : public testing::Test {
 protected:
  ~results_file_test() override { std::filesystem::remove(path_); }

  void create(std::int64_t version = schema_version, const std::string& title = "cotscale: test",
              const results_content& content = {.schema = small()}) const {
    create_results(path_, content, "[sweep]\n",
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

  // A byte of a dataset.
  void overwrite(const results_reader& file, const std::string& dataset, std::uint64_t byte, char value) const {
    std::fstream raw(path_, std::ios::in | std::ios::out | std::ios::binary);
    raw.seekp(static_cast<std::streamoff>(file.find(dataset)->offset + byte));
    raw.put(value);
  }

  std::string path_ =
      (std::filesystem::temp_directory_path() / ("cotscale_results_" + std::to_string(getpid()))).string();
};

TEST_F(results_file_test, a_new_file_has_its_grid_and_nothing_computed) {
  create();
  const results_reader file(path_);
  EXPECT_EQ(file.cell_dimensions(), (std::vector<std::string>{"model", "hardness", "n"}));
  EXPECT_EQ(file.texts("model"), (std::vector<std::string>{"lsa", "größer"}));
  EXPECT_EQ(file.read<double>("hardness"), (std::vector<double>{2, INFINITY}));
  EXPECT_EQ(file.config_toml(), "[sweep]\n");
  EXPECT_EQ(file.attribute("title"), "cotscale: test");
  EXPECT_EQ(file.statuses(), std::vector<cell_status>(12, cell_status::pending));
  for (const double value : file.values("error_mean")) EXPECT_TRUE(std::isnan(value));
  EXPECT_TRUE(file.damaged_cells().empty());
}

TEST_F(results_file_test, has_the_variables_of_the_axes_that_it_has) {
  for (const auto& schema : {small(), full()}) {
    create(schema_version, "cotscale: test", {.schema = schema});
    EXPECT_TRUE(results_reader(path_).damaged_cells().empty());
    const hdf5_file raw = hdf5_file::open_read(path_);
    for (const variable_slot& slot : schema->slots()) {
      extents expected{2, 2, 3};
      for (const std::size_t axis : slot.axes) expected.push_back(schema->dimensions()[axis].length());
      EXPECT_EQ(raw.shape(slot.declared.path()), expected) << slot.declared.name;
    }
    EXPECT_EQ(raw.has("task_probability"), schema->find("task_probability") != nullptr);
    for (const std::int64_t k : raw.read<std::int64_t>("best_k")) EXPECT_EQ(k, -1) << "nothing is computed yet";
  }
}

// That they are those of the right cell is tested in tests/mpi/run_sweep.cpp.
TEST_F(results_file_test, gives_as_many_values_of_a_cell_as_it_has) {
  create(schema_version, "cotscale: test", {.schema = full()});
  const results_reader file(path_);
  EXPECT_EQ(file.values_of_cell("v", 11).size(), 4U * 4);
  EXPECT_EQ(file.values_of_cell("error_mean", 11).size(), 2U * 3);
  EXPECT_EQ(file.values_of_cell("final_loss", 11).size(), 2U) << "one for each stage";
  EXPECT_THROW(file.values_of_cell("error_mean", 12), io_error) << "there is no such cell";
}

TEST_F(results_file_test, cells_that_are_not_asked_for_are_final) {
  std::vector<bool> asked(12, true);
  asked[3] = asked[11] = false;
  create(schema_version, "cotscale: test", {.schema = small(), .asked = asked});
  const results_reader file(path_);
  for (std::size_t i = 0; i < asked.size(); ++i) {
    EXPECT_EQ(file.statuses()[i], asked[i] ? cell_status::pending : cell_status::not_asked) << i;
  }
  EXPECT_TRUE(file.damaged_cells().empty());
  overwrite(file, "status", 3, 0);
  EXPECT_EQ(results_reader(path_).damaged_cells(), (std::vector<std::size_t>{3})) << "it was never asked for";
  overwrite(file, "status", 3, 3);
  overwrite(file, "status", 4, 3);
  EXPECT_EQ(results_reader(path_).damaged_cells(), (std::vector<std::size_t>{4})) << "it was";
}

TEST_F(results_file_test, identities_and_fixed_variables_are_sealed) {
  std::vector<cell_identity> identities(12);
  identities[5] = {.high = 1, .low = ~std::uint64_t{0}};
  create(schema_version, "cotscale: test",
         {.schema = small(),
          .fixed = {{{"support", value_type::f64, {"hardness"}, "support"}, {4, 5}}},
          .identities = identities});
  const results_reader file(path_);
  EXPECT_EQ(file.read<std::uint64_t>("identity_high").at(5), 1U);
  EXPECT_EQ(file.read<std::uint64_t>("identity_low").at(5), ~std::uint64_t{0});
  EXPECT_EQ(file.read<double>("support"), (std::vector<double>{4, 5}));
  overwrite(file, "identity_low", 40, 1);
  EXPECT_THROW(results_reader{path_}, io_error);
}

TEST_F(results_file_test, a_failure_that_no_run_has_left_so_is_found) {
  create();
  const results_reader file(path_);
  EXPECT_EQ(file.damaged_failures(), 0U);
  overwrite(file, "failures/message", 512 * 7, 'x');
  EXPECT_EQ(file.damaged_failures(), 1U);
  EXPECT_EQ(clear_damaged_failures(path_), 1U);
  EXPECT_EQ(file.damaged_failures(), 0U);
  EXPECT_EQ(file.read<std::int64_t>("failures/cell").at(7), -1);
  EXPECT_EQ(clear_damaged_failures(path_), 0U);
  overwrite(file, "failures/message", 512 * 7, 'x');
  // A kill between the words and their checksum is no damage.
  for (std::size_t i = 0; i < sizeof(failure_being_written); ++i) {
    overwrite(file, "failures/checksum", 8 * 7 + i, static_cast<char>(failure_being_written >> 8 * i));
  }
  EXPECT_EQ(file.damaged_failures(), 0U);
}

TEST_F(results_file_test, leaves_no_temporary_file) {
  create();
  EXPECT_FALSE(std::filesystem::exists(path_ + ".creating"));
}

TEST_F(results_file_test, another_schema_version_is_refused_by_number) {
  create(schema_version + 1);
  EXPECT_TRUE(is_results_file(path_));
  EXPECT_EQ(message_of_opening<mismatch_error>(),
            path_ +
                ": has schema version 4, and this cotscale reads and writes version 3; read it with a newer cotscale, "
                "or name another file and compute its results again");
}

// Files that no seal tells apart.
TEST_F(results_file_test, a_foreign_and_an_older_hdf5_file_are_refused) {
  const auto create_unsealed = [&](const std::string& title, std::int64_t version, bool signed_by_writer = false) {
    hdf5_file file = hdf5_file::create(path_);
    if (signed_by_writer) {
      file.set_attribute("/", "cotscale_version", std::string("0.0.9"));
      file.set_attribute("/", "git_sha", std::string("abcdef"));
    }
    file.set_attribute("/", "title", title);
    file.set_attribute("/", "schema_version", version);
    file.close();
  };
  create_unsealed("somebody else's", schema_version);
  EXPECT_NE(message_of_opening<mismatch_error>().find("not a results file of cotscale"), std::string::npos);
  create_unsealed("cotscale: old", 2);
  const auto refusal = [&](const std::string& version, const std::string& readers) {
    return path_ + ": has schema version " + version + ", and this cotscale reads and writes version 3; read it with " +
           readers + ", or name another file and compute its results again";
  };
  EXPECT_EQ(message_of_opening<mismatch_error>(), refusal("2", "a cotscale up to commit 0e75c6a"));
  create_unsealed("cotscale: old", 1, true);
  EXPECT_EQ(message_of_opening<mismatch_error>(),
            refusal("1", "a cotscale up to commit 2f17c40, such as the 0.0.9 of commit abcdef that wrote it"));
  create_unsealed("cotscale: new", 4, true);
  EXPECT_EQ(message_of_opening<mismatch_error>(),
            refusal("4", "a newer cotscale, such as the 0.0.9 of commit abcdef that wrote it"));
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

// Whoever opens it: our reader, which must not hand a damaged file to HDF5.
TEST_F(results_file_test, every_flipped_byte_of_what_never_changes_is_found) {
  create(schema_version, "cotscale: test", {.schema = full()});
  const std::uint64_t end = std::filesystem::file_size(path_);
  std::vector<bool> of_cells(end, false);
  const sealed_file whole(path_);
  for (const stored_dataset& d : whole.description().datasets()) {
    if (!d.changes()) continue;
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
  EXPECT_EQ(results_reader(path_).texts("task"), (std::vector<std::string>{"leicht", "größer"}));
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
