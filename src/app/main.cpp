#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <string>

#include "address_space.hpp"
#include "commands.hpp"
#include "cotscale/base/output.hpp"
#include "cotscale/run/provenance.hpp"
#include "cotscale/run/stop_control.hpp"
#include "wait_policy.hpp"

namespace {

using namespace cotscale;

std::string joined(int argc, char** argv) {
  std::string line;
  for (int i = 0; i < argc; ++i) line += (i > 0 ? " " : "") + std::string(argv[i]);
  return line;
}

// Under mpirun the command line is parsed before MPI starts; one rank's words are enough.
bool speaks() {
  const char* rank = std::getenv("OMPI_COMM_WORLD_RANK");
  return rank == nullptr || std::string(rank) == "0";
}

void report(const std::exception& e) {
  if (speaks()) log("cotscale: {}\n", e.what());
}

void add_specification(CLI::App& command, std::string& specification, std::vector<std::string>& overrides) {
  command.add_option("SPEC", specification, "specification of the sweep (TOML)")->required();
  command.add_option("--set", overrides, "override a key of it: --set test.prompts=100 (repeatable)")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

// In the words of CLI11: what is wrong with an option's value, nothing if it is right.
std::string empty_name(const std::string& name) { return name.empty() ? "names no file" : ""; }

int dispatch(int argc, char** argv) {
  CLI::App program("Test-time scaling of transformers, simulated on HPC machines.", "cotscale");
  program.set_version_flag("--version", program_version());
  program.require_subcommand(1);
  program.footer(
      "Exit codes: 0 done, 1 some cells failed, or diverged in training, 2 usage or specification,\n"
      "65 the file and the specification disagree, "
      "70 internal error, 74 input/output, 75 stopped early, the same command resumes.");

  app::run_arguments run;
  run.command_line = joined(argc, argv);
  std::string max_time;
  std::string progress = "auto";
  CLI::App& run_command = *program.add_subcommand("run", "run a sweep, or resume it; start it with mpirun -n RANKS");
  add_specification(run_command, run.specification, run.overrides);
  run_command.add_option("--output", run.output, "results file (HDF5)")->required()->check(empty_name);
  run_command.add_flag("--overwrite", run.overwrite, "discard the results that the file holds");
  run_command.add_flag("--allow-diverged", run.allow_diverged, "exit code 0 although the training of cells diverged");
  run_command.add_option("--progress", progress, "how to show progress (auto)")->type_name("auto|bar|log|none");
  run_command.add_option("--max-time", max_time, "stop in time to end after this long: 90s, 30m, 1h30m, 01:30:00");

  app::plan_arguments plan;
  plan.ranks = {1, 2, 4, 8, 16};
  CLI::App& plan_command = *program.add_subcommand("plan", "print cells, costs, memory, file size and makespan");
  add_specification(plan_command, plan.specification, plan.overrides);
  plan_command.add_option("--ranks", plan.ranks, "ranks to predict the makespan for: 8,64,512")
      ->check(CLI::PositiveNumber)
      ->delimiter(',')
      ->allow_extra_args(false);
  plan_command.add_option("--threads", plan.threads, "threads of a rank")->check(CLI::PositiveNumber);
  plan_command.add_flag("--all", plan.all_cells, "print every cell");

  app::select_arguments select;
  select.command_line = run.command_line;
  CLI::App& select_command = *program.add_subcommand("select", "choose the training tasks for a target");
  add_specification(select_command, select.specification, select.overrides);
  select_command.add_option("--output", select.output, "file for the mixtures (HDF5)")->required()->check(empty_name);
  select_command.add_flag("--overwrite", select.overwrite, "replace the selection that the file holds");

  app::theory_arguments theory;
  CLI::App& theory_command =
      *program.add_subcommand("theory", "predict, without training, when longer chains help and when they hurt");
  add_specification(theory_command, theory.specification, theory.overrides);
  std::string theory_time;
  theory_command.add_option("--max-time", theory_time,
                            "take no more draws than theory.draws from so long on: 10s, 5m; what is printed then "
                            "depends on the machine");
  theory_command.add_flag("--csv", theory.csv, "print the whole error curves as comma-separated values");

  app::keys_arguments keys;
  CLI::App& keys_command = *program.add_subcommand("keys", "list the keys of a specification");
  CLI::Option* table = keys_command.add_option(
      "TABLE", keys.word, "a table, such as sweep or models, or a key with those that belong to it");
  keys_command.add_option("--renew", keys.renew, "renew the tables of keys in this document instead")
      ->type_name("FILE")
      ->check(empty_name)
      ->excludes(table);

  std::string file;
  CLI::App& status_command =
      *program.add_subcommand("status", "count the cells of a results file, also while it is written");
  status_command.add_option("FILE", file, "results file")->required();
  CLI::App& verify_command = *program.add_subcommand("verify", "check every checksum of a results file");
  verify_command.add_option("FILE", file, "results file")->required();

  CLI::App& variables_command =
      *program.add_subcommand("variables", "list the variables of a results file, as tables in Markdown");

  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (argc > 1 && argv[1][0] != '-' && program.get_subcommands().empty()) {
      throw specification_error(fmt::format(
          "unknown command {}; choose run, plan, select, theory, keys, status, verify or variables", argv[1]));
    }
    const bool asked = e.get_exit_code() == 0;  // --help, --version
    std::ostringstream result, problem;         // not the streams themselves: a full device has to be noticed
    program.exit(e, result, problem);
    if (speaks()) {
      print_text(result.str());
      log_text(problem.str());
    }
    return asked ? 0 : static_cast<int>(exit_code::usage);
  }
  if (run_command || select_command || theory_command) app::wait_passively(argv);
  if (run_command) {
    if (!max_time.empty()) run.max_time = app::parse_duration(max_time);
    run.progress = app::parse_progress(progress);
    prepare_signals();
    return app::run(argc, argv, run);
  }
  if (select_command) return static_cast<int>(app::select(select));
  if (theory_command) {
    if (!theory_time.empty()) theory.max_time = app::parse_duration(theory_time);
    return static_cast<int>(app::theory(theory));
  }
  if (plan_command) return static_cast<int>(app::plan(plan));
  if (keys_command) return static_cast<int>(app::keys(keys));
  if (status_command) return static_cast<int>(app::status(file));
  if (variables_command) return static_cast<int>(app::variables());
  return static_cast<int>(app::verify(file));
}

}  // namespace

int main(int argc, char** argv) {
  prepare_streams();
  app::loading_has_ended();
  try {
    const int code = dispatch(argc, argv);
    flush_output();
    return code;
  } catch (const cotscale::error& e) {
    report(e);
    return static_cast<int>(e.code());
  } catch (const std::filesystem::filesystem_error& e) {
    report(e);
    return static_cast<int>(cotscale::exit_code::input_output);
  } catch (const std::exception& e) {
    report(e);
    return static_cast<int>(cotscale::exit_code::internal);
  }
}
