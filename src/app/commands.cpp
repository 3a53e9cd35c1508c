#include "commands.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <numeric>
#include <regex>
#include <utility>

#include "cotscale/base/error.hpp"
#include "cotscale/base/hash.hpp"
#include "cotscale/base/output.hpp"
#include "cotscale/base/parallel.hpp"
#include "cotscale/base/patience.hpp"
#include "cotscale/comm/environment.hpp"
#include "cotscale/config/differences.hpp"
#include "cotscale/experiment/cost_model.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/run/requirements.hpp"
#include "cotscale/run/run.hpp"
#include "cotscale/schedule/chunks.hpp"
#include "cotscale/store/lock.hpp"
#include "cotscale/store/results_file.hpp"

namespace cotscale::app {
namespace {

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

// What a user wrote, as far as it fits into a message.
std::string shown_word(const std::string& text) {
  constexpr std::size_t most = 60;
  return text.size() <= most ? text : text.substr(0, most) + " ...";
}

}  // namespace

std::vector<override_key> parse_overrides(const std::vector<std::string>& texts) {
  std::vector<override_key> overrides(texts.size());
  std::transform(texts.begin(), texts.end(), overrides.begin(), parse_override);
  return overrides;
}

// These commands have threads, not ranks.
void require_one_process(const std::string& command) {
  const char* ranks = std::getenv("OMPI_COMM_WORLD_SIZE");
  if (ranks == nullptr || std::string(ranks) == "1") return;
  throw specification_error(fmt::format(
      "{} runs in one process; start it without mpirun, and give it threads with OMP_NUM_THREADS", command));
}

namespace {

// Of every combination of varied keys: the text of them all leaves out what differs between them, as the SHA-256 of
// files may.
std::string digest_of_variants(const specification& spec) {
  sha256_sum sum;
  for (std::size_t i = 0; i < variant_count(spec); ++i) sum.add(to_toml(variant_of(spec, i)));
  return sum.hexadecimal();
}

}  // namespace

int run(int& argc, char**& argv, const run_arguments& arguments) {
  require_blas_buffers(thread_count());
  return with_mpi(argc, argv, [&](const communicator& all) {
    all.together([] { require_openmp_blas(); });
    // The root reads the specification; the others get it resolved, and need no access to the file.
    std::string text, digest, directory;
    all.on_root([&] {
      const patience sign_of_life("reading the specification");
      const specification read = load_specification(arguments.specification, parse_overrides(arguments.overrides));
      text = to_toml(read);
      digest = digest_of_variants(read);
      directory = std::filesystem::absolute(arguments.specification).parent_path().string();
    });
    text = all.broadcast(text);
    digest = all.broadcast(digest);
    directory = all.broadcast(directory);
    specification spec;
    all.together([&] {
      spec = parse_specification(text, arguments.specification, directory);
      if (digest_of_variants(spec) == digest) return;
      throw specification_error(
          fmt::format("{}: a file that it names has changed since the run began", arguments.specification));
    });
    return run_sweep(spec,
                     {.output = arguments.output,
                      .overwrite = arguments.overwrite,
                      .allow_diverged = arguments.allow_diverged,
                      .progress = arguments.progress,
                      .max_time = arguments.max_time,
                      .command_line = arguments.command_line},
                     all);
  });
}

namespace {

// " = 2 models × 3 n × 2 learning_rate", and how many places of that product nobody asks for.
std::string product_of_axes(const specification& spec, const coordinates& grid) {
  std::string out = fmt::format(" of {} models × {} mixtures × {} hardness × {} n × {} repeats", grid.models.size(),
                                grid.mixtures.size(), grid.hardness.size(), grid.n.size(), grid.repeats.size());
  for (const dimension& d : grid.further) out += fmt::format(" × {} {}", d.length(), d.name);
  if (!grid.stages.empty()) out += fmt::format(", in up to {} stages each", grid.stages.size());
  const std::size_t without = grid.cell_count() - cells_asked_for(spec, grid).size();
  return without == 0
             ? out
             : fmt::format("{}, without {} that differ in a key of another model or mixture only", out, without);
}

}  // namespace

exit_code plan(const plan_arguments& arguments) {
  require_blas_buffers(1);
  const patience sign_of_life("plan");
  const specification spec = load_specification(arguments.specification, parse_overrides(arguments.overrides));
  const coordinates grid = require_grid(spec);
  const std::vector<std::size_t> cells = cells_asked_for(spec, grid);
  cost_model costs(spec);
  std::vector<double> seconds;
  seconds.reserve(cells.size());
  std::uint64_t memory = 0;
  double one_core = 0;
  for (const std::size_t number : cells) {
    const cell c = make_cell(grid, number);
    const cell_cost cost = costs.estimate(c, arguments.threads);
    seconds.push_back(cost.seconds);
    memory = std::max(memory, cost.bytes);
    one_core += costs.estimate(c, 1).seconds;
  }
  const std::vector<std::size_t> order = largest_first(seconds);
  constexpr std::size_t shown_cells = 20;
  const std::size_t rows = arguments.all_cells ? order.size() : std::min(shown_cells, order.size());
  print("{:>10}  cell, largest first\n", "estimate");
  for (std::size_t i = 0; i < rows; ++i) {
    print("{:>10}  {}\n", shown_seconds(seconds[order[i]]), describe(make_cell(grid, cells[order[i]])));
  }
  if (rows < order.size()) print("{:>10}  {} more (--all shows them)\n", "...", order.size() - rows);

  std::vector<double> ordered(order.size());
  std::transform(order.begin(), order.end(), ordered.begin(), [&](std::size_t i) { return seconds[i]; });
  const double total = std::accumulate(seconds.begin(), seconds.end(), 0.0);
  constexpr double process_bytes = 40e6;  // of a rank that has loaded MPI, HDF5 and BLAS
  print("\ncells      {}{}\nwork       {} on one core (as measured on one machine; others scale it)\n", order.size(),
        product_of_axes(spec, grid), shown_seconds(one_core));
  // After what it would take, since that may be a reason to go elsewhere; before anything is as large as the results.
  require_runnable(spec, grid, arguments.threads);
  memory += kept_bytes(spec, grid, seconds);
  print("memory     {} a rank\nfile       {}\n", shown_bytes(static_cast<double>(memory) + process_bytes),
        shown_bytes(static_cast<double>(file_bytes(*make_schema(grid)))));
  for (const int ranks : arguments.ranks) {
    const double makespan = predicted_makespan(make_chunks(ordered, ranks), ranks);
    print("makespan   {} on {} ranks × {} threads, {:.0f} % busy\n", shown_seconds(makespan), ranks, arguments.threads,
          100 * total / (makespan * ranks));
  }
  return exit_code::done;
}

namespace {

// The first failed cells, each with its message; a message like the one before is not said again.
void list_failures(const results_reader& file, const std::vector<cell_status>& status) {
  constexpr std::size_t most = 20;
  const coordinates grid = read_coordinates(file);
  std::map<std::int64_t, std::string> messages;
  for (const failure& f : file.failures()) messages.emplace(f.cell, f.message);
  std::size_t failed = 0;
  std::string last;
  for (std::size_t i = 0; i < status.size(); ++i) {
    if (status[i] != cell_status::failed || ++failed > most) continue;
    const std::string& message = messages[static_cast<std::int64_t>(i)];
    const std::string said = !message.empty() && message == last ? "the same" : message;
    print("  failed   {}{}{}\n", describe(make_cell(grid, i)), said.empty() ? "" : ": ", said);
    last = message;
  }
  if (failed > most) print("  failed   {} more\n", failed - most);
  if (const std::size_t others = file.failures_without_message(); others > 0) {
    print("  failed   {} of them without a message, since the file has room for {}\n", others, most_failures);
  }
}

}  // namespace

exit_code status(const std::string& path) {
  const patience sign_of_life("status: reading " + path);
  const results_reader file(path);
  const std::vector<cell_status> status = file.statuses();
  const auto count = [&](cell_status s) { return std::count(status.begin(), status.end(), s); };
  const std::size_t asked = status.size() - static_cast<std::size_t>(count(cell_status::not_asked));
  print("{}\n  cells    {}\n  done     {}\n  failed   {}\n  pending  {}\n", file.attribute("title"), asked,
        count(cell_status::done), count(cell_status::failed), count(cell_status::pending));
  if (const auto owner = living_owner(path)) {
    print("  running  {}\n", owner->describe());
  } else {
    print("  running  no\n");
  }
  list_failures(file, status);
  return exit_code::done;
}

exit_code verify(const std::string& path) {
  const patience sign_of_life("verify: reading " + path);
  sealed_file sealed(path);
  if (sealed.kind() == file_kind::selection) {
    print("{}: the selection is as it was written\n", path);
    return exit_code::done;
  }
  const results_reader file(std::move(sealed));
  const std::vector<cell_status> status = file.statuses();
  const std::vector<std::size_t> damaged = file.damaged_cells();
  const coordinates grid = read_coordinates(file);
  for (const std::size_t i : damaged) print("damaged: {}\n", describe(make_cell(grid, i)));
  const std::size_t damaged_failures = file.damaged_failures();
  std::size_t done = 0, sound = 0;
  for (std::size_t i = 0; i < status.size(); ++i) {
    if (status[i] != cell_status::done) continue;
    ++done;
    sound += std::binary_search(damaged.begin(), damaged.end(), i) ? 0 : 1;
  }
  print("{}: {} of {} done cells have the right checksum; everything else is as it was written\n", path, sound, done);
  if (damaged.empty() && damaged_failures == 0) return exit_code::done;
  if (damaged.empty()) {
    throw io_error(fmt::format(
        "{}: {} messages of failed cells are damaged, and all results are sound; `cotscale run` with the same "
        "specification removes them",
        path, damaged_failures));
  }
  throw io_error(fmt::format("{}: {} cells are damaged; `cotscale run` with the same specification computes them again",
                             path, damaged.size()));
}

// Tables in Markdown, for docs/results-layout.md.
exit_code variables() {
  for (const producer& p : producers()) {
    cotscale::print("{}:\n\n| variable | type | over | what it is | units |\n|---|---|---|---|---|\n", p.title);
    for (const variable& v : p.variables) {
      std::string what;
      for (const char c : v.long_name) what += c == '|' ? "\\|" : std::string(1, c);
      cotscale::print("| `{}` | {} | {} | {} | {} |\n", v.path(), name_of(v.type),
                      fmt::format("{}", fmt::join(v.axes, ", ")), what, v.units);
    }
    print("\n");
  }
  return exit_code::done;
}

progress_mode parse_progress(const std::string& text) {
  if (text == "auto") return progress_mode::automatic;
  if (text == "bar") return progress_mode::bar;
  if (text == "log") return progress_mode::log;
  if (text == "none") return progress_mode::none;
  throw specification_error(
      fmt::format("--progress {}: choose auto (a bar on a terminal, else a log), bar, log or none", shown_word(text)));
}

std::chrono::duration<double> parse_duration(const std::string& text) {
  constexpr std::size_t longest = 40;
  constexpr double most = 10 * 365.25 * 86400;
  std::smatch part;
  static const std::regex clock_format(R"((?:(\d+)-)?(\d+):(\d\d):(\d\d))");
  static const std::regex units_format(R"((?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?)");
  if (text.empty() || text.size() > longest ||
      (!std::regex_match(text, part, clock_format) && !std::regex_match(text, part, units_format))) {
    throw specification_error(fmt::format(
        "--max-time {}: write a duration such as 90s, 30m, 1h30m, 01:30:00 or 1-00:00:00", shown_word(text)));
  }
  const auto value = [&](std::size_t i) { return part[i].matched ? std::stod(part[i].str()) : 0.0; };
  const double seconds = value(1) * 86400 + value(2) * 3600 + value(3) * 60 + value(4);
  if (seconds > most) throw specification_error(fmt::format("--max-time {}: ten years are the most", text));
  return std::chrono::duration<double>(seconds);
}

}  // namespace cotscale::app
