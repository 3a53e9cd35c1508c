// Prints the canonical text of specifications, for tests that compare it:
//   canonical_text (run|select) FILE ...
// Each text is preceded by a line "# FILE".
#include <fmt/format.h>

#include <exception>
#include <string>

#include "cotscale/experiment/specification.hpp"

int main(int argc, char** argv) {
  const std::string kind = argc > 1 ? argv[1] : "";
  if (argc < 3 || (kind != "run" && kind != "select")) {
    fmt::print(stderr, "usage: canonical_text (run|select) FILE ...\n");
    return 2;
  }
  try {
    for (int i = 2; i < argc; ++i) {
      fmt::print("# {}\n{}", argv[i],
                 kind == "run" ? cotscale::to_toml(cotscale::load_specification(argv[i]))
                               : cotscale::selection_to_toml(cotscale::load_selection(argv[i])));
    }
  } catch (const std::exception& e) {
    fmt::print(stderr, "{}\n", e.what());
    return 1;
  }
  return 0;
}
