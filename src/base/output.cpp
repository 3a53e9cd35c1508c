#include "cotscale/base/output.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "cotscale/base/error.hpp"

namespace cotscale {
namespace {

[[noreturn]] void fail() {
  throw io_error(
      fmt::format("standard output: cannot be written ({}); the result is not complete", std::strerror(errno)));
}

}  // namespace

void log_text(std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

void print_text(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) fail();
}

void flush_output() {
  if (std::fflush(stdout) != 0) fail();
}

}  // namespace cotscale
