#include "cotscale/run/stop_control.hpp"

#include <csignal>
#include <ctime>

namespace cotscale {
namespace {

bool is_ignored(int signal) {
  struct sigaction action {};
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGUSR1, SIGUSR2, SIGTERM, SIGINT, SIGXCPU}) sigaddset(&set, signal);
  if (!is_ignored(SIGHUP)) sigaddset(&set, SIGHUP);
  return set;
}

}  // namespace

void prepare_signals() {
  const sigset_t set = stop_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGXFSZ, SIG_IGN);
}

stop_control::stop_control(std::optional<seconds> limit) : limit_(limit) {
  watcher_ = std::thread([this] { watch(); });
}

stop_control::~stop_control() {
  ending_ = true;
  watcher_.join();
}

bool stop_control::has_time_for(seconds estimate) const { return !limit_ || elapsed() + estimate <= *limit_; }

void stop_control::request(stop_level level) {
  stop_level known = level_;
  while (known < level && !level_.compare_exchange_weak(known, level)) {
  }
  if (level == stop_level::abandon_cells) abandon_.request_stop();
}

void stop_control::watch() {
  constexpr timespec pause{.tv_sec = 0, .tv_nsec = 100'000'000};
  const sigset_t set = stop_signals();
  while (!ending_) {
    const int signal = sigtimedwait(&set, nullptr, &pause);
    const bool late = limit_ && elapsed() >= *limit_;
    if (signal == SIGUSR1) request(stop_level::finish_cells);
    if ((signal > 0 && signal != SIGUSR1) || late) request(stop_level::abandon_cells);
  }
}

}  // namespace cotscale
