#include "address_space.hpp"

#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <csignal>
#include <string_view>

#include "cotscale/base/error.hpp"

namespace cotscale::app {
namespace {

bool is_limited(rlimit& limit) { return getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY; }

// Libraries are loaded before main(); what stands in .preinit_array is called before that. (The sanitizers have to be
// first themselves.)
#ifndef __SANITIZE_ADDRESS__
void set_timer(int seconds) {
  const itimerval timer{.it_interval = {.tv_sec = 0, .tv_usec = 0}, .it_value = {.tv_sec = seconds, .tv_usec = 0}};
  setitimer(ITIMER_PROF, &timer, nullptr);
}

extern "C" void give_up_loading(int) {
  constexpr std::string_view message =
      "cotscale: the limit on address space (ulimit -v) is too small for the buffers of OpenBLAS, 128 MB a thread: "
      "raise "
      "it, or set OMP_NUM_THREADS lower\n";
  if (write(STDERR_FILENO, message.data(), message.size()) < 0) _exit(static_cast<int>(exit_code::usage));
  _exit(static_cast<int>(exit_code::usage));
}

extern "C" void watch_loading(int, char**, char**) {
  rlimit limit{};
  if (!is_limited(limit)) return;
  std::signal(SIGPROF, give_up_loading);
  set_timer(1);
}

__attribute__((section(".preinit_array"), used)) void (*const before_libraries)(int, char**, char**) = watch_loading;
#endif

}  // namespace

void loading_has_ended() {
#ifndef __SANITIZE_ADDRESS__
  rlimit limit{};
  if (!is_limited(limit)) return;
  set_timer(0);
  std::signal(SIGPROF, SIG_DFL);
#endif
}

}  // namespace cotscale::app
