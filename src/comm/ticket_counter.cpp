#include "cotscale/comm/ticket_counter.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <vector>

#include "cotscale/comm/native.hpp"

namespace cotscale {
namespace {

constexpr int ask_tag = 1;
constexpr int answer_tag = 2;
constexpr auto server_pause = std::chrono::milliseconds(1);
constexpr auto client_pause = std::chrono::microseconds(200);

// A question: whether the rank leaves, and how much it has finished so far.
using question = std::array<std::int64_t, 2>;

}  // namespace

struct ticket_counter::pending {
  std::int64_t answer = 0;
  MPI_Request receive = MPI_REQUEST_NULL;
};

ticket_counter::ticket_counter(const communicator& all, std::int64_t count)
    : comm_(all.duplicate()), count_(count), pending_(std::make_unique<pending>()) {
  if (comm_.is_root() && comm_.size() > 1) server_ = std::thread([this] { serve(); });
}

ticket_counter::~ticket_counter() {
  leave(0);
  if (server_.joinable()) server_.join();
}

void ticket_counter::serve() {
  const MPI_Comm comm = comm_.native().comm;
  std::vector<std::int64_t> finished(static_cast<std::size_t>(comm_.size()));
  for (int present = comm_.size() - 1; present > 0;) {
    int waiting = 0;
    MPI_Status status;
    MPI_Iprobe(MPI_ANY_SOURCE, ask_tag, comm, &waiting, &status);
    if (waiting == 0) {
      std::this_thread::sleep_for(server_pause);
      continue;
    }
    question q{};
    MPI_Recv(q.data(), 2, MPI_INT64_T, status.MPI_SOURCE, ask_tag, comm, MPI_STATUS_IGNORE);
    auto& known = finished[static_cast<std::size_t>(status.MPI_SOURCE)];
    finished_elsewhere_ += std::max<std::int64_t>(0, q[1] - known);
    known = std::max(known, q[1]);
    if (q[0] != 0) {
      --present;
      continue;
    }
    const std::int64_t ticket = next();
    MPI_Send(&ticket, 1, MPI_INT64_T, status.MPI_SOURCE, answer_tag, comm);
  }
}

void ticket_counter::request(std::int64_t finished) {
  if (comm_.is_root() || requested_ || left_) return;
  const MPI_Comm comm = comm_.native().comm;
  MPI_Irecv(&pending_->answer, 1, MPI_INT64_T, 0, answer_tag, comm, &pending_->receive);
  const question q{0, finished};
  MPI_Send(q.data(), 2, MPI_INT64_T, 0, ask_tag, comm);
  requested_ = true;
}

std::int64_t ticket_counter::await_answer() {
  for (;;) {
    int arrived = 0;
    MPI_Test(&pending_->receive, &arrived, MPI_STATUS_IGNORE);
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
  if (left_) return;
  left_ = true;
  if (comm_.is_root()) return;
  if (requested_) await_answer();
  const question q{1, finished};
  MPI_Send(q.data(), 2, MPI_INT64_T, 0, ask_tag, comm_.native().comm);
}

}  // namespace cotscale
