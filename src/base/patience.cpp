#include "cotscale/base/patience.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <utility>

#include "cotscale/base/output.hpp"

namespace cotscale {

namespace {

void give_signs(const std::string& what, const std::stop_token& stop) {
  using seconds = std::chrono::duration<double>;
  const auto start = std::chrono::steady_clock::now();
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock guard(mutex);
  seconds pause(1.5);
  while (!wake.wait_for(guard, stop, pause, [&] { return stop.stop_requested(); })) {
    if (stop.stop_requested()) break;
    const seconds elapsed = std::chrono::steady_clock::now() - start;
    log("cotscale: {}, {:.0f} s so far\n", what, elapsed.count());
    pause = std::min(elapsed, seconds(60));
  }
}

}  // namespace

patience::patience(std::string what) {
  try {
    thread_ = std::jthread([what = std::move(what)](const std::stop_token& stop) { give_signs(what, stop); });
  } catch (const std::system_error&) {  // no room for a thread: the work can do without
  }
}

patience::~patience() = default;

}  // namespace cotscale
