#include "cotscale/sweep/stop_control.hpp"

#include <csignal>
#include <ctime>

namespace cotscale {
namespace {

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGUSR1, SIGTERM, SIGINT}) sigaddset(&set, signal);
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

void stop_control::watch() {
  constexpr timespec pause{.tv_sec = 0, .tv_nsec = 100'000'000};
  const sigset_t set = stop_signals();
  while (!ending_) {
    const int signal = sigtimedwait(&set, nullptr, &pause);
    const bool late = limit_ && elapsed() >= *limit_;
    if (signal > 0 || late) no_more_ = true;
    if (signal == SIGTERM || signal == SIGINT || late) abandon_.request_stop();
  }
}

}  // namespace cotscale
