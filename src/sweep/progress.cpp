#include "cotscale/sweep/progress.hpp"
#include "cotscale/base/output.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <mutex>
#include <string>

namespace cotscale {
namespace {

using clock = std::chrono::steady_clock;

// mpirun hands its ranks pipes and pseudo-terminals of its own; what counts is where mpirun's standard error goes.
bool ends_at_terminal() {
  if (std::getenv("OMPI_COMM_WORLD_RANK") == nullptr) return isatty(STDERR_FILENO) != 0;
  std::error_code unknown;
  const auto target = std::filesystem::read_symlink(fmt::format("/proc/{}/fd/2", getppid()), unknown).string();
  return target.rfind("/dev/pts/", 0) == 0 || target.rfind("/dev/tty", 0) == 0;
}

std::string shown(double seconds) {
  if (seconds < 60) return fmt::format("{:.0f} s", seconds);
  const auto minutes = static_cast<long>(seconds / 60);
  if (minutes < 60) return fmt::format("{} min {:02} s", minutes, static_cast<long>(seconds) % 60);
  return fmt::format("{} h {:02} min", minutes / 60, minutes % 60);
}

std::string summary(std::int64_t done, std::int64_t total, double elapsed) {
  const std::string text = fmt::format("{} of {} cells", done, total);
  if (done == 0) return text + ", " + shown(elapsed);
  const double left = elapsed * static_cast<double>(total - done) / static_cast<double>(done);
  return text + fmt::format(", {}, {} left", shown(elapsed), shown(left));
}

void draw_bar(std::int64_t done, std::int64_t total, double elapsed) {
  constexpr std::int64_t width = 30;
  const std::int64_t filled = total > 0 ? std::min(width, width * done / total) : width;
  const std::string bar =
      std::string(static_cast<std::size_t>(filled), '#') + std::string(static_cast<std::size_t>(width - filled), '.');
  log("\r[{}] {}\033[K", bar, summary(done, total, elapsed));
}

}  // namespace

progress_mode resolve(progress_mode mode) {
  if (mode != progress_mode::automatic) return mode;
  return ends_at_terminal() ? progress_mode::bar : progress_mode::log;
}

progress_display::progress_display(progress_mode mode, std::int64_t total, std::function<std::int64_t()> finished) {
  mode = resolve(mode);
  if (mode == progress_mode::none || total == 0) return;
  thread_ = std::jthread([=, count = std::move(finished)](const std::stop_token& stop) {
    const auto start = clock::now();
    const auto elapsed = [&] { return std::chrono::duration<double>(clock::now() - start).count(); };
    const bool bar = mode == progress_mode::bar;
    const auto interval = bar ? std::chrono::milliseconds(500) : std::chrono::milliseconds(60'000);
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock guard(mutex);
    while (!wake.wait_for(guard, stop, interval, [&] { return stop.stop_requested(); })) {
      if (bar) {
        draw_bar(count(), total, elapsed());
      } else {
        log("{:%Y-%m-%d %H:%M:%S} {}\n", fmt::localtime(std::time(nullptr)), summary(count(), total, elapsed()));
      }
      if (stop.stop_requested()) break;
    }
    if (bar) {
      draw_bar(count(), total, elapsed());
      log("\n");
    }
  });
}

progress_display::~progress_display() = default;

}  // namespace cotscale
