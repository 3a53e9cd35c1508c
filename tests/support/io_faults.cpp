// Preloaded into a program (LD_PRELOAD), makes one operation on certain files fail. Environment:
//   IO_FAULTS_PATH    operations on files whose path contains this text count; others are left alone
//   IO_FAULTS_RANK    the MPI rank that is meant (0 where there is no mpirun)
//   IO_FAULTS_CALL    open, read, write, sync, truncate, allocate, rename, close or lock
//   IO_FAULTS_NUMBER  which of them fails, from 1 on; with a + behind it, so do all later ones
//   IO_FAULTS_ERROR   EIO, ENOSPC, EOPNOTSUPP or ENOLCK; short: the operation transfers half of its bytes, or one
//   IO_FAULTS_COUNTS  without IO_FAULTS_CALL: at its end the process appends lines "RANK CALL COUNT" to this file
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

enum call {
  open_call,
  read_call,
  write_call,
  sync_call,
  truncate_call,
  allocate_call,
  rename_call,
  close_call,
  lock_call,
  calls
};
constexpr std::array<const char*, calls> names{"open",     "read",   "write", "sync", "truncate",
                                               "allocate", "rename", "close", "lock"};

const char* variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

struct plan {
  std::string path = variable("IO_FAULTS_PATH");
  std::string counts = variable("IO_FAULTS_COUNTS");
  std::string rank = std::getenv("OMPI_COMM_WORLD_RANK") != nullptr ? variable("OMPI_COMM_WORLD_RANK") : "0";
  std::string call = rank == variable("IO_FAULTS_RANK") ? variable("IO_FAULTS_CALL") : "";
  long number = std::atol(variable("IO_FAULTS_NUMBER"));
  bool lasts = std::strchr(variable("IO_FAULTS_NUMBER"), '+') != nullptr;
  std::string error = variable("IO_FAULTS_ERROR");
  std::array<std::atomic<long>, calls> made{};

  ~plan() {
    if (counts.empty()) return;
    std::string text;
    for (std::size_t i = 0; i < calls; ++i) text += rank + " " + names[i] + " " + std::to_string(made[i]) + "\n";
    path.clear();  // what follows is left alone
    const int out = ::open(counts.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (out >= 0 && ::write(out, text.data(), text.size()) > 0) ::close(out);
  }

  int number_of_error() const {
    if (error == "ENOSPC") return ENOSPC;
    if (error == "EOPNOTSUPP") return EOPNOTSUPP;
    if (error == "ENOLCK") return ENOLCK;
    return EIO;
  }
};

plan& the_plan() {
  static plan p;
  return p;
}

bool is_meant(const char* path) {
  return !the_plan().path.empty() && path != nullptr && std::strstr(path, the_plan().path.c_str()) != nullptr;
}

bool is_meant(int fd) {
  if (the_plan().path.empty()) return false;
  std::array<char, 64> link{};
  std::array<char, PATH_MAX> path{};
  std::snprintf(link.data(), link.size(), "/proc/self/fd/%d", fd);
  return readlink(link.data(), path.data(), path.size() - 1) > 0 && is_meant(path.data());
}

// Whether this operation is the one that fails; errno is set.
template<class File>
bool fails(call what, File file) {
  const int before = errno;
  plan& p = the_plan();
  const bool meant = is_meant(file);
  errno = before;
  if (!meant) return false;
  const long number = ++p.made[what];
  if (p.call != names[what] || number < p.number || (number > p.number && !p.lasts)) return false;
  errno = p.number_of_error();
  return true;
}

bool is_short() { return the_plan().error == "short"; }
std::size_t half(std::size_t count) { return count > 1 ? count / 2 : count; }

template<class Function>
Function* original(Function*, const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

#define ORIGINAL(function) static auto* const function##_original = original(&::function, #function)

extern "C" {

int open(const char* path, int flags, ...) {
  ORIGINAL(open);
  std::va_list rest;
  va_start(rest, flags);
  const auto mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  if (fails(open_call, path)) return -1;
  return open_original(path, flags, mode);
}

ssize_t read(int fd, void* buffer, size_t count) {
  ORIGINAL(read);
  if (!fails(read_call, fd)) return read_original(fd, buffer, count);
  return is_short() ? read_original(fd, buffer, half(count)) : -1;
}

ssize_t pread(int fd, void* buffer, size_t count, off_t offset) {
  ORIGINAL(pread);
  if (!fails(read_call, fd)) return pread_original(fd, buffer, count, offset);
  return is_short() ? pread_original(fd, buffer, half(count), offset) : -1;
}

ssize_t write(int fd, const void* buffer, size_t count) {
  ORIGINAL(write);
  if (!fails(write_call, fd)) return write_original(fd, buffer, count);
  return is_short() ? write_original(fd, buffer, half(count)) : -1;
}

ssize_t pwrite(int fd, const void* buffer, size_t count, off_t offset) {
  ORIGINAL(pwrite);
  if (!fails(write_call, fd)) return pwrite_original(fd, buffer, count, offset);
  return is_short() ? pwrite_original(fd, buffer, half(count), offset) : -1;
}

int fsync(int fd) {
  ORIGINAL(fsync);
  return fails(sync_call, fd) ? -1 : fsync_original(fd);
}

int fdatasync(int fd) {
  ORIGINAL(fdatasync);
  return fails(sync_call, fd) ? -1 : fdatasync_original(fd);
}

int ftruncate(int fd, off_t length) noexcept {
  ORIGINAL(ftruncate);
  return fails(truncate_call, fd) ? -1 : ftruncate_original(fd, length);
}

int posix_fallocate(int fd, off_t offset, off_t length) {
  ORIGINAL(posix_fallocate);
  return fails(allocate_call, fd) ? errno : posix_fallocate_original(fd, offset, length);
}

int rename(const char* from, const char* to) noexcept {
  ORIGINAL(rename);
  return fails(rename_call, to) ? -1 : rename_original(from, to);
}

// The descriptor is gone all the same, as on Linux.
int close(int fd) {
  ORIGINAL(close);
  if (!fails(close_call, fd)) return close_original(fd);
  const int error = errno;
  close_original(fd);
  errno = error;
  return -1;
}

int flock(int fd, int operation) noexcept {
  ORIGINAL(flock);
  return fails(lock_call, fd) ? -1 : flock_original(fd, operation);
}
}
