#include "cotscale/run/progress.hpp"
#include "cotscale/base/output.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <limits>
#include <mutex>
#include <numeric>
#include <string>
#include <utility>

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

std::string summary(std::int64_t done, std::span<const double> cumulative, double elapsed) {
  const std::string text = fmt::format("{} of {} cells, {}", done, cumulative.size(), shown(elapsed));
  const double left = seconds_left(cumulative, done, elapsed);
  return std::isfinite(left) ? text + fmt::format(", {} left", shown(left)) : text;
}

void draw_bar(std::int64_t done, std::span<const double> cumulative, double elapsed) {
  constexpr std::int64_t width = 30;
  const auto total = static_cast<std::int64_t>(cumulative.size());
  const std::int64_t filled = total > 0 ? std::min(width, width * done / total) : width;
  const std::string bar =
      std::string(static_cast<std::size_t>(filled), '#') + std::string(static_cast<std::size_t>(width - filled), '.');
  log("\r[{}] {}\033[K", bar, summary(done, cumulative, elapsed));
}

}  // namespace

double seconds_left(std::span<const double> cumulative, std::int64_t done, double elapsed) {
  if (done <= 0 || cumulative.empty()) return std::numeric_limits<double>::infinity();
  const std::size_t last = std::min(static_cast<std::size_t>(done), cumulative.size()) - 1;
  return elapsed * (cumulative.back() / cumulative[last] - 1);
}

progress_mode resolve(progress_mode mode) {
  if (mode != progress_mode::automatic) return mode;
  return ends_at_terminal() ? progress_mode::bar : progress_mode::log;
}

progress_display::progress_display(progress_mode mode, const std::vector<double>& costs,
                                   std::function<std::int64_t()> finished) {
  mode = resolve(mode);
  if (mode == progress_mode::none || costs.empty()) return;
  std::vector<double> sums(costs.size());
  std::partial_sum(costs.begin(), costs.end(), sums.begin());
  thread_ = std::jthread([mode, cumulative = std::move(sums),
                          count = std::move(finished)](const std::stop_token& stop) {
    const auto start = clock::now();
    const auto elapsed = [&] { return std::chrono::duration<double>(clock::now() - start).count(); };
    const bool bar = mode == progress_mode::bar;
    const auto interval = bar ? std::chrono::milliseconds(500) : std::chrono::milliseconds(60'000);
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock guard(mutex);
    while (!wake.wait_for(guard, stop, interval, [&] { return stop.stop_requested(); })) {
      if (bar) {
        draw_bar(count(), cumulative, elapsed());
      } else {
        log("{:%Y-%m-%d %H:%M:%S} {}\n", fmt::localtime(std::time(nullptr)), summary(count(), cumulative, elapsed()));
      }
      if (stop.stop_requested()) break;
    }
    if (bar) {
      draw_bar(count(), cumulative, elapsed());
      log("\n");
    }
  });
}

progress_display::~progress_display() = default;

}  // namespace cotscale
