#include <exception>
#include <filesystem>

#include "address_space.hpp"
#include "command_line.hpp"
#include "cotscale/base/error.hpp"
#include "cotscale/base/output.hpp"

namespace {

void report(const std::exception& e) {
  if (cotscale::app::speaks()) cotscale::log("cotscale: {}\n", e.what());
}

}  // namespace

int main(int argc, char** argv) {
  cotscale::prepare_streams();
  cotscale::app::loading_has_ended();
  try {
    const int code = cotscale::app::dispatch(argc, argv);
    cotscale::flush_output();
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
