#include "cotscale/comm/ticket_counter.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>
#include <vector>

#include "cotscale/comm/native.hpp"

namespace cotscale {
namespace {

constexpr int ask_tag = 1;
constexpr int answer_tag = 2;
constexpr int stop_tag = 3;
constexpr auto server_pause = std::chrono::milliseconds(1);
constexpr auto listener_pause = std::chrono::milliseconds(50);
constexpr auto client_pause = std::chrono::microseconds(200);

enum class asked : std::int64_t { ticket, leave, stop, goodbye };

// A question: what is asked; how much the rank has finished so far, or the level of stopping.
using question = std::array<std::int64_t, 2>;

// What the root says under stop_tag, beside levels: everybody has left.
constexpr std::int64_t all_have_left = -1;

void ask(MPI_Comm comm, asked what, std::int64_t value) {
  const question q{static_cast<std::int64_t>(what), value};
  MPI_Send(q.data(), 2, MPI_INT64_T, 0, ask_tag, comm);
}

void tell_others(const communicator& all, std::int64_t value) {
  for (int rank = 1; rank < all.size(); ++rank) MPI_Send(&value, 1, MPI_INT64_T, rank, stop_tag, all.native().comm);
}

bool has_arrived(MPI_Comm comm, int source, int tag, MPI_Status* status) {
  int waiting = 0;
  MPI_Iprobe(source, tag, comm, &waiting, status);
  return waiting != 0;
}

}  // namespace

struct ticket_counter::pending {
  std::int64_t answer = 0;
  MPI_Request receive = MPI_REQUEST_NULL;
};

ticket_counter::ticket_counter(const communicator& all, std::int64_t count, stop_channel stop)
    : comm_(all.duplicate()), count_(count), stop_(std::move(stop)), pending_(std::make_unique<pending>()) {
  if (comm_.size() == 1) return;
  thread_ = comm_.is_root() ? std::thread([this] { serve(); }) : std::thread([this] { listen(); });
}

ticket_counter::~ticket_counter() { finish(0); }

void ticket_counter::finish(std::int64_t finished) {
  leave(finished);
  if (thread_.joinable()) thread_.join();
}

void ticket_counter::spread(int level) {
  if (level <= spread_) return;
  spread_ = level;
  stop_.heard(level);
  tell_others(comm_, level);
}

void ticket_counter::serve() {
  const MPI_Comm comm = comm_.native().comm;
  std::vector<std::int64_t> finished(static_cast<std::size_t>(comm_.size()));
  int present = comm_.size() - 1, listening = present;
  bool dismissed = false;
  while (listening > 0) {
    spread(stop_.mine());
    if (!dismissed && present == 0 && left_) {
      dismissed = true;
      tell_others(comm_, all_have_left);
    }
    MPI_Status status;
    if (!has_arrived(comm, MPI_ANY_SOURCE, ask_tag, &status)) {
      std::this_thread::sleep_for(server_pause);
      continue;
    }
    question q{};
    MPI_Recv(q.data(), 2, MPI_INT64_T, status.MPI_SOURCE, ask_tag, comm, MPI_STATUS_IGNORE);
    const auto what = static_cast<asked>(q[0]);
    if (what == asked::stop) {
      spread(static_cast<int>(q[1]));
    } else if (what == asked::goodbye) {
      --listening;
    } else {
      auto& known = finished[static_cast<std::size_t>(status.MPI_SOURCE)];
      finished_elsewhere_ += std::max<std::int64_t>(0, q[1] - known);
      known = std::max(known, q[1]);
      if (what == asked::ticket) {
        const std::int64_t ticket = next();
        MPI_Send(&ticket, 1, MPI_INT64_T, status.MPI_SOURCE, answer_tag, comm);
      } else {
        --present;
      }
    }
  }
}

void ticket_counter::listen() {
  const MPI_Comm comm = comm_.native().comm;
  int known = 0;
  for (std::int64_t told = 0; told != all_have_left;) {
    const int mine = stop_.mine();
    bool is_news = false;
    {
      const std::lock_guard guard(one_caller_);
      if (mine > known) ask(comm, asked::stop, mine);
      known = std::max(known, mine);
      MPI_Status status;
      is_news = has_arrived(comm, 0, stop_tag, &status);
      if (is_news) MPI_Recv(&told, 1, MPI_INT64_T, 0, stop_tag, comm, MPI_STATUS_IGNORE);
    }
    if (!is_news) {
      std::this_thread::sleep_for(listener_pause);
    } else if (told != all_have_left) {
      known = std::max(known, static_cast<int>(told));
      stop_.heard(static_cast<int>(told));
    }
  }
  const std::lock_guard guard(one_caller_);
  ask(comm, asked::goodbye, 0);  // nothing comes from here any more
}

void ticket_counter::request(std::int64_t finished) {
  if (comm_.is_root() || requested_ || left_) return;
  const MPI_Comm comm = comm_.native().comm;
  const std::lock_guard guard(one_caller_);
  MPI_Irecv(&pending_->answer, 1, MPI_INT64_T, 0, answer_tag, comm, &pending_->receive);
  ask(comm, asked::ticket, finished);
  requested_ = true;
}

std::int64_t ticket_counter::await_answer() {
  for (;;) {
    int arrived = 0;
    {
      const std::lock_guard guard(one_caller_);
      MPI_Test(&pending_->receive, &arrived, MPI_STATUS_IGNORE);
    }
    if (arrived != 0) break;
    std::this_thread::sleep_for(client_pause);
  }
  requested_ = false;
  return pending_->answer;
}

std::optional<std::int64_t> ticket_counter::take(std::int64_t finished) {
  if (left_) return std::nullopt;
  const auto start = std::chrono::steady_clock::now();
  std::int64_t ticket = 0;
  if (comm_.is_root()) {
    ticket = next();
  } else {
    request(finished);
    ticket = await_answer();
  }
  seconds_waited_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (ticket >= count_) return std::nullopt;
  return ticket;
}

void ticket_counter::leave(std::int64_t finished) {
  if (left_.exchange(true) || comm_.is_root()) return;
  if (requested_) await_answer();
  const std::lock_guard guard(one_caller_);
  ask(comm_.native().comm, asked::leave, finished);
}

}  // namespace cotscale
