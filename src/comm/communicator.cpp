#include "cotscale/comm/communicator.hpp"

#include <limits>
#include <optional>
#include <utility>

#include "cotscale/comm/environment.hpp"
#include "cotscale/comm/native.hpp"
#include "failure.hpp"

namespace cotscale {

communicator::impl::impl(MPI_Comm handle, bool owns) : comm(handle), owned(owns) {
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &size);
}

communicator::impl::~impl() {
  int finalized = 0;
  MPI_Finalized(&finalized);
  if (owned && finalized == 0) MPI_Comm_free(&comm);
}

communicator::communicator(std::shared_ptr<const impl> p) : impl_(std::move(p)) {}

int communicator::rank() const noexcept { return impl_->rank; }

int communicator::size() const noexcept { return impl_->size; }

void communicator::barrier() const { MPI_Barrier(impl_->comm); }

std::int64_t communicator::sum(std::int64_t value) const {
  MPI_Allreduce(MPI_IN_PLACE, &value, 1, MPI_INT64_T, MPI_SUM, impl_->comm);
  return value;
}

double communicator::sum(double value) const {
  MPI_Allreduce(MPI_IN_PLACE, &value, 1, MPI_DOUBLE, MPI_SUM, impl_->comm);
  return value;
}

double communicator::max(double value) const {
  MPI_Allreduce(MPI_IN_PLACE, &value, 1, MPI_DOUBLE, MPI_MAX, impl_->comm);
  return value;
}

std::string communicator::broadcast(std::string text) const {
  auto length = static_cast<std::int64_t>(text.size());
  MPI_Bcast(&length, 1, MPI_INT64_T, 0, impl_->comm);
  if (length > std::numeric_limits<int>::max()) {
    throw agreed_error(exit_code::usage, fmt::format("a text of {} bytes is too long to share between ranks", length));
  }
  text.resize(static_cast<std::size_t>(length));
  MPI_Bcast(text.data(), static_cast<int>(length), MPI_CHAR, 0, impl_->comm);
  return text;
}

std::vector<std::int64_t> communicator::gather(std::int64_t value) const {
  std::vector<std::int64_t> values(static_cast<std::size_t>(size()));
  MPI_Allgather(&value, 1, MPI_INT64_T, values.data(), 1, MPI_INT64_T, impl_->comm);
  return values;
}

void communicator::on_root(const std::function<void()>& work) const {
  together([&] {
    if (is_root()) work();
  });
}

void communicator::together(const std::function<void()>& work) const {
  const std::optional<error> mine = detail::failure_of(work);
  int failing = mine ? rank() : size();
  MPI_Allreduce(MPI_IN_PLACE, &failing, 1, MPI_INT, MPI_MIN, impl_->comm);
  if (failing == size()) return;
  int code = mine ? static_cast<int>(mine->code()) : 0;
  MPI_Bcast(&code, 1, MPI_INT, failing, impl_->comm);
  std::string message = mine ? mine->what() : "";
  if (mine && failing > 0) message = fmt::format("rank {} on {}: {}", failing, host_name(), message);
  auto length = static_cast<int>(message.size());
  MPI_Bcast(&length, 1, MPI_INT, failing, impl_->comm);
  message.resize(static_cast<std::size_t>(length));
  MPI_Bcast(message.data(), length, MPI_CHAR, failing, impl_->comm);
  throw agreed_error(static_cast<exit_code>(code), message);
}

communicator communicator::duplicate() const {
  MPI_Comm copy = MPI_COMM_NULL;
  MPI_Comm_dup(impl_->comm, &copy);
  return communicator(std::make_shared<const impl>(copy, true));
}

communicator communicator::on_this_host() const {
  MPI_Comm local = MPI_COMM_NULL;
  MPI_Comm_split_type(impl_->comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &local);
  return communicator(std::make_shared<const impl>(local, true));
}

}  // namespace cotscale
