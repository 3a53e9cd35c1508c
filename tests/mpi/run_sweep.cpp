// The run itself: who computes what must not matter, and one rank's misfortune must not hang the others.
#include "cotscale/run/run.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "cotscale/base/stop.hpp"
#include "cotscale/store/results_file.hpp"
#include "main.hpp"

namespace cotscale {
namespace {

constexpr const char* text = R"(
[sweep]
name = "test"
models = ["lsa"]
mixtures = ["matched", "skewed"]
hardness = [3.0, 9.0]
n = [2, 7, 30]
repeats = 2
[task]
d = 3
[target]
rotation = "independent"
[test]
k = 6
m = [1, 12]
prompts = 70
[models.lsa]
architecture = "lsa"
)";

class run_sweep_test : public testing::Test {
 protected:
  run_sweep_test() {
    // One path for all ranks.
    const auto pid = world().broadcast(std::to_string(getpid()));
    path_ = (std::filesystem::temp_directory_path() / ("cotscale_test_" + pid + ".h5")).string();
    remove();
  }
  ~run_sweep_test() override { remove(); }

  void remove() const {
    world().barrier();
    if (world().is_root()) std::filesystem::remove(path_);
    world().barrier();
  }

  run_options options() const {
    return {.output = path_, .progress = progress_mode::none, .max_time = {}, .command_line = "test"};
  }
  exit_code run(const cell_function& compute = {}) const { return run_sweep(spec_, options(), world(), compute); }

  std::string path_;
  specification spec_ = parse_specification(text, "test.toml", ".");
  coordinates grid_ = make_coordinates(spec_);
};

TEST_F(run_sweep_test, stores_what_each_cell_computes) {
  EXPECT_EQ(run(), exit_code::done);
  const results_reader file(path_);
  EXPECT_EQ(file.statuses(), std::vector<cell_status>(grid_.cell_count(), cell_status::done));
  EXPECT_TRUE(file.damaged_cells().empty());
  const std::vector<double> stored = file.values("error_mean");
  const std::size_t each = stored.size() / grid_.cell_count();
  for (std::size_t number = 0; number < grid_.cell_count(); ++number) {
    const cell_values serial = compute_cell(spec_, grid_, make_cell(grid_, number), {});
    const std::vector<double> mine(stored.begin() + static_cast<std::ptrdiff_t>(number * each),
                                   stored.begin() + static_cast<std::ptrdiff_t>((number + 1) * each));
    EXPECT_EQ(mine, serial.doubles("error_mean")) << "bit for bit, cell " << number;
  }
}

// Every variable of the layout, and cells that share trainings, candidates and baselines, whoever computes them.
TEST_F(run_sweep_test, stores_every_variable_of_cells_that_share) {
  spec_ = parse_specification(
      std::string(text) + R"(
[models.learned]
architecture = "lsa"
training = "samples"
steps = 8
batch = 8
keep_weights = true
[tasks]
exponents = [0.2, 1.0]
directions = [3]
each = 2
[mixtures.mine]
probabilities = [1, 2, 3, 0]
)",
      "test.toml", ".", {{"sweep.models", "[\"lsa\", \"learned\"]"}, {"sweep.mixtures", "[\"matched\", \"mine\"]"}});
  grid_ = make_coordinates(spec_);
  EXPECT_EQ(run(), exit_code::done);
  const results_reader file(path_);
  EXPECT_EQ(read_coordinates(file), grid_);
  EXPECT_TRUE(file.damaged_cells().empty());
  for (std::size_t number = 0; number < grid_.cell_count(); number += 5) {
    const cell c = make_cell(grid_, number);
    const cell_values serial = compute_cell(spec_, grid_, c, {});
    for (const variable_slot& slot : serial.schema()->slots()) {
      const variable& v = slot.declared;
      if (v.type != value_type::f64) continue;
      const std::vector<double> stored = file.values_of_cell(v.name, number);
      const auto expected = serial.bytes_of(slot), found = std::as_bytes(std::span(stored));
      EXPECT_TRUE(std::equal(found.begin(), found.end(), expected.begin(), expected.end()))
          << v.name << " of " << describe(c) << ", bit for bit";
    }
  }
}

TEST_F(run_sweep_test, a_cell_that_throws_is_marked_failed_and_tried_again) {
  const auto unlucky = [](const cell& c) { return c.mixture == "skewed" && c.n == 7; };
  const cell_function fragile = [&](const cell& c, const std::stop_token& stop) {
    if (unlucky(c)) throw std::runtime_error("no luck");
    return compute_cell(spec_, grid_, c, stop);
  };
  EXPECT_EQ(run(fragile), exit_code::failed_cells);
  {
    const results_reader file(path_);
    const std::vector<cell_status> status = file.statuses();
    for (std::size_t i = 0; i < status.size(); ++i) {
      EXPECT_EQ(status[i], unlucky(make_cell(grid_, i)) ? cell_status::failed : cell_status::done);
    }
    const std::vector<failure> failures = file.failures();
    EXPECT_EQ(failures.size(), static_cast<std::size_t>(std::count(status.begin(), status.end(), cell_status::failed)));
    for (const failure& f : failures) {
      EXPECT_TRUE(unlucky(make_cell(grid_, static_cast<std::size_t>(f.cell))));
      EXPECT_EQ(f.message, "no luck");
    }
    EXPECT_EQ(file.damaged_failures(), 0U);
  }
  world().barrier();
  EXPECT_EQ(run(), exit_code::done);
  const results_reader file(path_);
  const std::vector<std::int32_t> attempts = file.attempts();
  for (std::size_t i = 0; i < attempts.size(); ++i) EXPECT_EQ(attempts[i], unlucky(make_cell(grid_, i)) ? 2 : 1);
  EXPECT_TRUE(file.failures().empty()) << "what failed before is done now";
}

// A rank writes into entries of its own; what has no room is a count only.
TEST_F(run_sweep_test, many_ranks_store_the_messages_of_more_failures_than_there_is_room_for) {
  spec_ = parse_specification(text, "test.toml", ".", {{"sweep.repeats", "60"}});
  grid_ = make_coordinates(spec_);
  ASSERT_GT(grid_.cell_count(), 240U);
  const cell_function fails = [&](const cell& c, const std::stop_token&) -> cell_values {
    throw std::runtime_error(fmt::format("cell {}{}", cell_number(grid_, c.position), std::string(600, '.')));
  };
  for (int attempt = 0; attempt < 2; ++attempt) {
    EXPECT_EQ(run(fails), exit_code::failed_cells);
    const results_reader file(path_);
    const std::vector<failure> failures = file.failures();
    EXPECT_EQ(file.failures_without_message(), grid_.cell_count() - failures.size());
    EXPECT_GE(failures.size(), std::min(grid_.cell_count(), most_failures / 4))
        << "each rank has its share of the room";
    for (const failure& f : failures) {
      EXPECT_EQ(f.message.size(), failure_bytes);
      EXPECT_TRUE(f.message.starts_with(fmt::format("cell {}.", f.cell)));
    }
    EXPECT_EQ(file.damaged_failures(), 0U);
    EXPECT_TRUE(file.damaged_cells().empty());
    world().barrier();
  }
}

TEST_F(run_sweep_test, a_finished_sweep_computes_nothing_again) {
  EXPECT_EQ(run(), exit_code::done);
  const cell_function never = [](const cell&, const std::stop_token&) -> cell_values {
    throw std::logic_error("computed again");
  };
  EXPECT_EQ(run(never), exit_code::done);
}

TEST_F(run_sweep_test, another_specification_is_refused_key_by_key) {
  EXPECT_EQ(run(), exit_code::done);
  specification other = spec_;
  other.prompts = 71;
  try {
    run_sweep(other, options(), world());
    FAIL() << "no exception";
  } catch (const agreed_error& e) {
    EXPECT_EQ(e.code(), exit_code::mismatch);
    EXPECT_NE(std::string(e.what()).find("test.prompts: in the file 70, now 71"), std::string::npos) << e.what();
  }
}

TEST_F(run_sweep_test, the_time_limit_leaves_cells_pending_and_the_next_run_resumes) {
  run_options short_run = options();
  short_run.max_time = std::chrono::duration<double>(0);
  EXPECT_EQ(run_sweep(spec_, short_run, world()), exit_code::stopped_early);
  EXPECT_EQ(run(), exit_code::done);
}

TEST_F(run_sweep_test, a_running_cell_is_abandoned_at_the_time_limit) {
  run_options short_run = options();
  short_run.max_time = std::chrono::duration<double>(0.3);
  const cell_function endless = [](const cell&, const std::stop_token& stop) -> cell_values {
    while (!stop.stop_requested()) usleep(1000);
    throw stopped();
  };
  EXPECT_EQ(run_sweep(spec_, short_run, world(), endless), exit_code::stopped_early);
  const results_reader file(path_);
  EXPECT_EQ(file.statuses(), std::vector<cell_status>(grid_.cell_count(), cell_status::pending));
}

// What the root prints at the end of a run in which `change` has its way with every result.
template<class Change>
std::string report_of(const specification& spec, const coordinates& grid, const run_options& options, Change change) {
  cell_computer computer(spec, grid);
  testing::internal::CaptureStdout();
  run_sweep(spec, options, world(), [&](const cell& c, const std::stop_token& stop) {
    cell_values result = computer.compute(c, stop);
    change(cell_number(grid, c.position), result);
    return result;
  });
  return testing::internal::GetCapturedStdout();
}

TEST_F(run_sweep_test, a_wrong_cell_is_named_at_the_end) {
  run_options again = options();
  again.overwrite = true;
  const std::size_t k = grid_.k.size();
  const auto expect = [&](const std::string& report, const std::string& part) {
    if (!world().is_root()) return;
    EXPECT_NE(report.find(part), std::string::npos) << part << "\n" << report;
  };
  const auto right = [](std::size_t, cell_values&) {};
  const std::string good = report_of(spec_, grid_, again, right);
  expect(good, "theory: measured errors agree with theory\n");
  expect(good, "theory: 0 of 24 trained maps differ");

  const auto wrong_roll_out = [&](std::size_t number, cell_values& r) {
    if (number == 5) r.of<double>("exact_z")[k + 1] = -11;  // m = 12, k = 1
  };
  const std::string bad = report_of(spec_, grid_, again, wrong_roll_out);
  expect(bad, "theory: MEASURED ERRORS DISAGREE");
  expect(bad, "largest score -11.00 at model lsa, mixture matched, hardness 3, n 30, repeat 1, m 12, k 1\n");

  const auto wrong_map = [&](std::size_t number, cell_values& r) {
    if (number == 23) r.of<double>("paired_distance")[2] = 0.1;
  };
  const std::string off = report_of(spec_, grid_, again, wrong_map);
  expect(off, "theory: 1 of 24 trained maps differ");
  expect(off, "at model lsa, mixture skewed, hardness 9, n 30, repeat 1, m 1, k 2\n");
}

}  // namespace
}  // namespace cotscale
