#include "commands.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <numeric>
#include <regex>
#include <set>
#include <string_view>

#include "cotscale/comm/environment.hpp"
#include "cotscale/hdf5/file.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/store/lock.hpp"
#include "cotscale/store/results_file.hpp"
#include "cotscale/sweep/provenance.hpp"
#include "cotscale/sweep/run.hpp"
#include "cotscale/sweep/schedule.hpp"
#include "cotscale/sweep/selection.hpp"

namespace cotscale::app {
namespace {

std::vector<override_key> parse_overrides(const std::vector<std::string>& texts) {
  std::vector<override_key> overrides(texts.size());
  std::transform(texts.begin(), texts.end(), overrides.begin(), parse_override);
  return overrides;
}

std::string shown_bytes(double bytes) {
  if (bytes < 1e6) return fmt::format("{:.1f} kB", bytes * 1e-3);
  if (bytes < 1e9) return fmt::format("{:.1f} MB", bytes * 1e-6);
  return fmt::format("{:.1f} GB", bytes * 1e-9);
}

std::string shown_seconds(double seconds) {
  if (seconds < 1) return fmt::format("{:.1f} ms", seconds * 1e3);
  if (seconds < 600) return fmt::format("{:.1f} s", seconds);
  return fmt::format("{:.1f} h", seconds / 3600);
}

// These commands have threads, not ranks.
void require_one_process(const std::string& command) {
  const char* ranks = std::getenv("OMPI_COMM_WORLD_SIZE");
  if (ranks == nullptr || std::string(ranks) == "1") return;
  throw specification_error(fmt::format(
      "{} runs in one process; start it without mpirun, and give it threads with OMP_NUM_THREADS", command));
}

constexpr std::string_view selection_title = "cotscale selection";

void require_selection_output(const std::string& output, bool overwrite) {
  const std::filesystem::path directory = std::filesystem::path(output).parent_path();
  if (!directory.empty() && !std::filesystem::is_directory(directory)) {
    throw io_error(fmt::format("{}: the directory {} does not exist; create it, or choose another --output", output,
                               directory.string()));
  }
  if (!std::filesystem::exists(output)) return;
  if (!overwrite) {
    throw mismatch_error(
        fmt::format("{}: exists already; choose another --output, or give --overwrite to replace it", output));
  }
  const bool ours = [&] {
    try {
      const hdf5_file file = hdf5_file::open_read(output);
      return file.has_attribute("/", "title") && file.text_attribute("/", "title").rfind(selection_title, 0) == 0;
    } catch (const io_error&) {
      return false;
    }
  }();
  if (!ours) {
    throw mismatch_error(fmt::format(
        "{}: not a selection of cotscale, and --overwrite replaces no other file; move it away yourself", output));
  }
}

double mean_over_draws(const selection_results& results, double (*value)(const selection_record&)) {
  double sum = 0;
  for (const selection_record& r : results.draws) sum += value(r);
  return sum / static_cast<double>(results.draws.size());
}

void show_selection(const selection_results& results) {
  const auto draws = static_cast<double>(results.draws.size());
  fmt::print("{:<24}{:>18}{:>12}{:>12}\n", "task", "support hardness", "quadratic", "exact");
  constexpr std::size_t most = 50;
  for (std::size_t i = 0; i < std::min(most, results.tasks.size()); ++i) {
    std::array<double, 2> p{};
    for (const selection_record& r : results.draws) {
      for (std::size_t s = 0; s < p.size(); ++s) p[s] += r.probability[s][i] / draws;
    }
    fmt::print("{:<24}{:>18.4g}{:>12.4f}{:>12.4f}\n", results.tasks[i], results.support_hardness[i], p[0], p[1]);
  }
  if (results.tasks.size() > most) fmt::print("... {} more tasks in the file\n", results.tasks.size() - most);
  fmt::print("{:<42}{:>12.5g}{:>12.5g}\n", "objective of the quadratic programme",
             mean_over_draws(results, [](const selection_record& r) { return r.objective[0][0]; }),
             mean_over_draws(results, [](const selection_record& r) { return r.objective[1][0]; }));
  fmt::print("{:<42}{:>12.5g}{:>12.5g}\n", "objective of the exact problem",
             mean_over_draws(results, [](const selection_record& r) { return r.objective[0][1]; }),
             mean_over_draws(results, [](const selection_record& r) { return r.objective[1][1]; }));
  double worst = 0;
  for (const selection_record& r : results.draws) worst = std::max(worst, r.kkt_residual);
  fmt::print("largest relative KKT residual {:.2g}{}\n", worst,
             results.draws.size() > 1 ? fmt::format("; means over {} draws of the tasks", results.draws.size()) : "");
}

bool is_drawn(const specification& spec) { return spec.tasks.source == tasks_specification::kind::generated; }

std::string theory_csv_header() { return "mixture,hardness,n,repeat,m,k,predicted_error,predicted_stderr\n"; }

std::string theory_csv(const specification& spec, const cell& c, std::int64_t m, const chain_prediction& p) {
  std::string text;
  for (int k = 0; k <= spec.steps; ++k) {
    const auto i = static_cast<std::size_t>(k);
    text += fmt::format("{},{},{},{},{},{},{},{}\n", c.mixture, c.hardness, c.n, c.repeat, m, k, p.error[i],
                        p.standard_error[i]);
  }
  return text;
}

// k = 0, 1, the middle and the last.
std::vector<int> shown_steps(int steps) {
  std::set<int> shown{0, std::min(1, steps), steps / 2, steps};
  return {shown.begin(), shown.end()};
}

std::string theory_table_header(const specification& spec) {
  std::string text = fmt::format("{:<12}{:>10}{:>7}{:>7}{:>8}{:>9}{:>11}{:>8}{:>8}", "mixture", "hardness", "n",
                                 "repeat", "m", "radius", "diverging", "edge", "best k");
  for (const int k : shown_steps(spec.steps)) text += fmt::format("{:>11}", fmt::format("k = {}", k));
  return text + fmt::format("{:>11}\n", "best");
}

// The Marchenko-Pastur radius where Σ = Λ = I, else nothing.
std::string edge(const specification& spec, const cell& c, std::int64_t m, const cell_theory& known) {
  const covariance target = target_covariance(spec, c.hardness);
  const double gamma = 1 + (spec.d + 1.0) / static_cast<double>(c.n);
  const matrix isotropic = combination(1 / gamma, matrix::identity(spec.d), 0, known.preconditioner);
  const double gap = frobenius_norm(combination(1, known.preconditioner, -1, isotropic)) +
                     frobenius_norm(combination(1, target.values(), -1, matrix::identity(spec.d)));
  if (gap > 1e-9) return "-";
  return fmt::format("{:.3f}", marchenko_pastur_radius(spec.d, static_cast<int>(c.n), spec.d / static_cast<double>(m)));
}

std::string theory_row(const specification& spec, const cell& c, std::int64_t m, const cell_theory& known,
                       const chain_prediction& p) {
  std::string text =
      fmt::format("{:<12}{:>10.6g}{:>7}{:>7}{:>8}{:>9.3f}{:>9.1f} %{:>8}{:>8}", c.mixture, c.hardness, c.n, c.repeat, m,
                  known.spectral_radius, 100 * p.diverging_share, edge(spec, c, m, known), p.best_k);
  for (const int k : shown_steps(spec.steps)) text += fmt::format("{:>11.3g}", p.error[static_cast<std::size_t>(k)]);
  return text + fmt::format("{:>11.3g}\n", p.error[static_cast<std::size_t>(p.best_k)]);
}

std::string theory_legend(const specification& spec) {
  return fmt::format(
      "errors: expected |w_k - w|^2, mean of {} Wishart draws, not divided by d\n"
      "radius: largest |eigenvalue| of I - Gamma^-1 Sigma (m to infinity); above 1 longer chains diverge\n"
      "diverging: share of test prompts for which that of I - Gamma^-1 S is above 1\n"
      "edge: the same by the Marchenko-Pastur law, where target and training are isotropic\n",
      spec.theory_draws);
}

}  // namespace

int run(int& argc, char**& argv, const run_arguments& arguments) {
  return with_mpi(argc, argv, [&](const communicator& all) {
    all.together([] { require_openmp_blas(); });
    // The root reads the specification; the others get it resolved, and need no access to the file.
    std::string text, directory;
    all.on_root([&] {
      text = to_toml(load_specification(arguments.specification, parse_overrides(arguments.overrides)));
      directory = std::filesystem::absolute(arguments.specification).parent_path().string();
    });
    text = all.broadcast(text);
    directory = all.broadcast(directory);
    specification spec;
    all.together([&] { spec = parse_specification(text, arguments.specification, directory); });
    return run_sweep(spec,
                     {.output = arguments.output,
                      .overwrite = arguments.overwrite,
                      .progress = arguments.progress,
                      .max_time = arguments.max_time,
                      .command_line = arguments.command_line},
                     all);
  });
}

exit_code plan(const plan_arguments& arguments) {
  const specification spec = load_specification(arguments.specification, parse_overrides(arguments.overrides));
  const coordinates grid = make_coordinates(spec);
  cost_model costs(spec);
  std::vector<double> seconds;
  seconds.reserve(grid.cell_count());
  std::uint64_t memory = 0;
  double one_core = 0;
  for (std::size_t i = 0; i < grid.cell_count(); ++i) {
    const cell_cost cost = costs.estimate(make_cell(grid, i), arguments.threads);
    seconds.push_back(cost.seconds);
    memory = std::max(memory, cost.bytes);
    one_core += costs.estimate(make_cell(grid, i), 1).seconds;
  }
  const std::vector<std::size_t> order = largest_first(seconds);
  constexpr std::size_t shown_cells = 20;
  const std::size_t rows = arguments.all_cells ? order.size() : std::min(shown_cells, order.size());
  fmt::print("{:>10}  cell, largest first\n", "estimate");
  for (std::size_t i = 0; i < rows; ++i) {
    fmt::print("{:>10}  {}\n", shown_seconds(seconds[order[i]]), describe(make_cell(grid, order[i])));
  }
  if (rows < order.size()) fmt::print("{:>10}  {} more (--all shows them)\n", "...", order.size() - rows);

  std::vector<double> ordered(order.size());
  std::transform(order.begin(), order.end(), ordered.begin(), [&](std::size_t i) { return seconds[i]; });
  const double total = std::accumulate(seconds.begin(), seconds.end(), 0.0);
  constexpr double process_bytes = 60e6;  // of a rank that has loaded MPI, HDF5 and BLAS
  fmt::print("\ncells      {}\nwork       {} on one core (as measured on one machine; others scale it)\n", order.size(),
             shown_seconds(one_core));
  fmt::print("memory     {} a rank\nfile       {}\n", shown_bytes(static_cast<double>(memory) + process_bytes),
             shown_bytes(static_cast<double>(payload_bytes(grid))));
  for (const int ranks : arguments.ranks) {
    const double makespan = predicted_makespan(make_chunks(ordered, ranks), ranks);
    fmt::print("makespan   {} on {} ranks × {} threads, {:.0f} % busy\n", shown_seconds(makespan), ranks,
               arguments.threads, 100 * total / (makespan * ranks));
  }
  return exit_code::done;
}

exit_code select(const select_arguments& arguments) {
  require_openmp_blas();
  require_one_process("select");
  require_selection_output(arguments.output, arguments.overwrite);
  const specification spec = load_selection(arguments.specification, parse_overrides(arguments.overrides));
  const selection_results results = select_tasks(spec, {});
  const std::string config = selection_to_toml(spec);
  write_selection(arguments.output, results, config,
                  collect_provenance(std::string(selection_title) + ": " + spec.name, spec.seed, config,
                                     arguments.command_line, 1));
  show_selection(results);
  return exit_code::done;
}

exit_code theory(const theory_arguments& arguments) {
  require_openmp_blas();
  require_one_process("theory");
  const specification spec = load_specification(arguments.specification, parse_overrides(arguments.overrides));
  if (spec.theory_draws == 0) {
    throw specification_error(fmt::format("{}: theory.draws is 0, so that nothing can be predicted; set it to 100, say",
                                          arguments.specification));
  }
  const coordinates grid = make_coordinates(spec);
  cell_computer computer(spec, grid);
  const blas_threads one(1);
  fmt::print("{}", arguments.csv ? theory_csv_header() : theory_table_header(spec));
  for (std::size_t i = 0; i < grid.cell_count(); ++i) {
    const cell c = make_cell(grid, i);
    const bool seen =
        c.position[0] > 0 || (c.repeat > 0 && !(depends_on_candidates(spec, c.mixture) && is_drawn(spec)));
    if (seen) continue;  // models and, with given candidates, repeats do not matter
    const std::shared_ptr<const cell_theory> known = computer.theory(c, {});
    for (std::size_t m = 0; m < grid.m.size(); ++m) {
      fmt::print("{}", arguments.csv ? theory_csv(spec, c, grid.m[m], known->predictions[m])
                                     : theory_row(spec, c, grid.m[m], *known, known->predictions[m]));
    }
    std::fflush(stdout);
  }
  if (!arguments.csv) fmt::print("{}", theory_legend(spec));
  return exit_code::done;
}

exit_code status(const std::string& path) {
  const results_reader file(path);
  const std::vector<cell_status> status = file.statuses();
  const auto count = [&](cell_status s) { return std::count(status.begin(), status.end(), s); };
  fmt::print("{}\n  cells    {}\n  done     {}\n  failed   {}\n  pending  {}\n", file.attribute("title"), status.size(),
             count(cell_status::done), count(cell_status::failed), count(cell_status::pending));
  if (const auto owner = living_owner(path)) {
    fmt::print("  running  {}\n", owner->describe());
  } else {
    fmt::print("  running  no\n");
  }
  constexpr std::size_t most = 20;
  std::size_t shown = 0;
  for (std::size_t i = 0; i < status.size() && shown < most; ++i) {
    if (status[i] != cell_status::failed) continue;
    fmt::print("  failed   {}\n", describe(make_cell(file.grid(), i)));
    ++shown;
  }
  return exit_code::done;
}

exit_code verify(const std::string& path) {
  const results_reader file(path);
  const std::vector<cell_status> status = file.statuses();
  const std::vector<std::size_t> damaged = file.damaged_cells();
  for (const std::size_t i : damaged) fmt::print("damaged: {}\n", describe(make_cell(file.grid(), i)));
  fmt::print("{}: {} of {} done cells have the right checksum\n", path,
             static_cast<std::size_t>(std::count(status.begin(), status.end(), cell_status::done)) - damaged.size(),
             std::count(status.begin(), status.end(), cell_status::done));
  if (damaged.empty()) return exit_code::done;
  throw io_error(fmt::format("{}: {} cells are damaged; `cotscale run` with the same specification computes them again",
                             path, damaged.size()));
}

std::chrono::duration<double> parse_duration(const std::string& text) {
  std::smatch part;
  static const std::regex clock_format(R"((?:(\d+)-)?(\d+):(\d\d):(\d\d))");
  static const std::regex units_format(R"((?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?)");
  if (text.empty() || (!std::regex_match(text, part, clock_format) && !std::regex_match(text, part, units_format))) {
    throw specification_error(
        fmt::format("--max-time {}: write a duration such as 90s, 30m, 1h30m, 01:30:00 or 1-00:00:00", text));
  }
  const auto value = [&](std::size_t i) { return part[i].matched ? std::stod(part[i].str()) : 0.0; };
  return std::chrono::duration<double>(value(1) * 86400 + value(2) * 3600 + value(3) * 60 + value(4));
}

}  // namespace cotscale::app
