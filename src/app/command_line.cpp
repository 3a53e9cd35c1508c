#include "command_line.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <functional>
#include <iterator>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "commands.hpp"
#include "cotscale/base/error.hpp"
#include "cotscale/base/output.hpp"
#include "cotscale/run/provenance.hpp"
#include "cotscale/run/stop_control.hpp"
#include "wait_policy.hpp"

namespace cotscale::app {
namespace {

struct program_call {
  int argc;
  char** argv;
  std::string text() const {
    std::string line;
    for (int i = 0; i < argc; ++i) line += (i > 0 ? " " : "") + std::string(argv[i]);
    return line;
  }
};

// A subcommand: what parses its options, and what it does with them; the exit code.
struct command {
  CLI::App* parser;
  std::function<int()> execute;
};

void add_specification(CLI::App& parser, std::string& specification, std::vector<std::string>& overrides) {
  parser.add_option("SPEC", specification, "specification of the sweep (TOML)")->required();
  parser.add_option("--set", overrides, "override a key of it: --set test.prompts=100 (repeatable)")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

// In the words of CLI11: what is wrong with an option's value, nothing if it is right.
std::string empty_name(const std::string& name) { return name.empty() ? "names no file" : ""; }

command add_run(CLI::App& program, const program_call& call) {
  struct options {
    run_arguments arguments;
    std::string max_time, progress = "auto";
  };
  const auto given = std::make_shared<options>();
  run_arguments& run = given->arguments;
  run.command_line = call.text();
  CLI::App& parser = *program.add_subcommand("run", "run a sweep, or resume it; start it with mpirun -n RANKS");
  add_specification(parser, run.specification, run.overrides);
  parser.add_option("--output", run.output, "results file (HDF5)")->required()->check(empty_name);
  parser.add_flag("--overwrite", run.overwrite, "discard the results that the file holds");
  parser.add_flag("--allow-diverged", run.allow_diverged, "exit code 0 although the training of cells diverged");
  parser.add_option("--progress", given->progress, "how to show progress (auto)")->type_name("auto|bar|log|none");
  parser.add_option("--max-time", given->max_time, "stop in time to end after this long: 90s, 30m, 1h30m, 01:30:00");
  return {&parser, [given, call] {
            wait_passively(call.argv);
            if (!given->max_time.empty()) given->arguments.max_time = parse_duration(given->max_time);
            given->arguments.progress = parse_progress(given->progress);
            prepare_signals();
            program_call mpi = call;
            return app::run(mpi.argc, mpi.argv, given->arguments);
          }};
}

command add_plan(CLI::App& program) {
  const auto plan = std::make_shared<plan_arguments>();
  plan->ranks = {1, 2, 4, 8, 16};
  CLI::App& parser = *program.add_subcommand("plan", "print cells, costs, memory, file size and makespan");
  add_specification(parser, plan->specification, plan->overrides);
  parser.add_option("--ranks", plan->ranks, "ranks to predict the makespan for: 8,64,512")
      ->check(CLI::PositiveNumber)
      ->delimiter(',')
      ->allow_extra_args(false);
  parser.add_option("--threads", plan->threads, "threads of a rank")->check(CLI::PositiveNumber);
  parser.add_flag("--all", plan->all_cells, "print every cell");
  return {&parser, [plan] { return static_cast<int>(app::plan(*plan)); }};
}

command add_select(CLI::App& program, const program_call& call) {
  const auto select = std::make_shared<select_arguments>();
  select->command_line = call.text();
  CLI::App& parser = *program.add_subcommand("select", "choose the training tasks for a target");
  add_specification(parser, select->specification, select->overrides);
  parser.add_option("--output", select->output, "file for the mixtures (HDF5)")->required()->check(empty_name);
  parser.add_flag("--overwrite", select->overwrite, "replace the selection that the file holds");
  return {&parser, [select, call] {
            wait_passively(call.argv);
            return static_cast<int>(app::select(*select));
          }};
}

command add_theory(CLI::App& program, const program_call& call) {
  struct options {
    theory_arguments arguments;
    std::string max_time;
  };
  const auto given = std::make_shared<options>();
  CLI::App& parser =
      *program.add_subcommand("theory", "predict, without training, when longer chains help and when they hurt");
  add_specification(parser, given->arguments.specification, given->arguments.overrides);
  parser.add_option("--max-time", given->max_time,
                    "take no more draws than theory.draws from so long on: 10s, 5m; what is printed then "
                    "depends on the machine");
  parser.add_flag("--csv", given->arguments.csv, "print the whole error curves as comma-separated values");
  return {&parser, [given, call] {
            wait_passively(call.argv);
            if (!given->max_time.empty()) given->arguments.max_time = parse_duration(given->max_time);
            return static_cast<int>(app::theory(given->arguments));
          }};
}

command add_keys(CLI::App& program) {
  const auto keys = std::make_shared<keys_arguments>();
  CLI::App& parser = *program.add_subcommand("keys", "list the keys of a specification");
  CLI::Option* table =
      parser.add_option("TABLE", keys->word, "a table, such as sweep or models, or a key with those that belong to it");
  parser.add_option("--renew", keys->renew, "renew the tables of keys in this document instead")
      ->type_name("FILE")
      ->check(empty_name)
      ->excludes(table);
  return {&parser, [keys] { return static_cast<int>(app::keys(*keys)); }};
}

command add_of_file(CLI::App& program, const std::string& name, const std::string& help,
                    exit_code (*execute)(const std::string& path)) {
  const auto file = std::make_shared<std::string>();
  CLI::App& parser = *program.add_subcommand(name, help);
  parser.add_option("FILE", *file, "results file")->required();
  return {&parser, [file, execute] { return static_cast<int>(execute(*file)); }};
}

command add_variables(CLI::App& program) {
  return {program.add_subcommand("variables", "list the variables of a results file, as tables in Markdown"),
          [] { return static_cast<int>(app::variables()); }};
}

std::vector<command> add_commands(CLI::App& program, const program_call& call) {
  return {add_run(program, call),
          add_plan(program),
          add_select(program, call),
          add_theory(program, call),
          add_keys(program),
          add_of_file(program, "status", "count the cells of a results file, also while it is written", &app::status),
          add_of_file(program, "verify", "check every checksum of a results file", &app::verify),
          add_variables(program)};
}

// Of CLI11's: help and version, or what is wrong with the options.
int explain(const CLI::App& program, const CLI::ParseError& e) {
  std::ostringstream result, problem;  // not the streams themselves: a full device has to be noticed
  program.exit(e, result, problem);
  if (speaks()) {
    print_text(result.str());
    log_text(problem.str());
  }
  const bool asked = e.get_exit_code() == 0;  // --help, --version
  return asked ? 0 : static_cast<int>(exit_code::usage);
}

}  // namespace

bool speaks() {
  const char* rank = std::getenv("OMPI_COMM_WORLD_RANK");
  return rank == nullptr || std::string(rank) == "0";
}

int dispatch(int argc, char** argv) {
  CLI::App program("Test-time scaling of transformers, simulated on HPC machines.", "cotscale");
  program.set_version_flag("--version", program_version());
  program.require_subcommand(1);
  program.footer(
      "Exit codes: 0 done, 1 some cells failed, or diverged in training, 2 usage or specification,\n"
      "65 the file and the specification disagree, "
      "70 internal error, 74 input/output, 75 stopped early, the same command resumes.");
  const std::vector<command> commands = add_commands(program, {argc, argv});
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (argc > 1 && argv[1][0] != '-' && program.get_subcommands().empty()) {
      std::vector<std::string> names;
      for (const command& c : commands) names.push_back(c.parser->get_name());
      throw specification_error(fmt::format("unknown command {}; choose {} or {}", argv[1],
                                            fmt::join(names.begin(), std::prev(names.end()), ", "), names.back()));
    }
    return explain(program, e);
  }
  for (const command& c : commands) {
    if (c.parser->parsed()) return c.execute();
  }
  throw precondition_error("dispatch: no subcommand was parsed");
}

}  // namespace cotscale::app
