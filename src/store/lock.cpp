#include "cotscale/store/lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cotscale/base/error.hpp"
#include "cotscale/comm/environment.hpp"

namespace cotscale {
namespace {

constexpr auto touch_interval = std::chrono::seconds(10);
constexpr auto lifetime = std::chrono::seconds(60);

std::string lock_path(const std::string& file) { return file + ".lock"; }

std::string read_text(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// Two processes with equal values see each other's pids.
std::string machine() {
  std::error_code none;
  const std::string boot = read_text("/proc/sys/kernel/random/boot_id");
  return boot.substr(0, boot.find('\n')) + "/" + std::filesystem::read_symlink("/proc/self/ns/pid", none).string();
}

std::string my_text() {
  const char* job = std::getenv("SLURM_JOB_ID");
  return fmt::format("host: {}\njob: {}\npid: {}\nmachine: {}\n", host_name(), job != nullptr ? job : "none", getpid(),
                     machine());
}

std::string value_of(const std::string& text, const std::string& key) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind(key + ": ", 0) == 0) return line.substr(key.size() + 2);
  }
  return "";
}

lock_owner parse(const std::string& text, std::time_t touched) {
  return {.host = value_of(text, "host"),
          .job = value_of(text, "job"),
          .pid = std::strtol(value_of(text, "pid").c_str(), nullptr, 10),
          .machine = value_of(text, "machine"),
          .untouched = std::chrono::seconds(std::max<std::time_t>(0, std::time(nullptr) - touched))};
}

// Whether a process of this machine runs. A zombie does not: where nobody reaps, a killed rank stays one.
bool runs(long pid) {
  const std::string stat = read_text(fmt::format("/proc/{}/stat", pid));
  const std::size_t name_end = stat.rfind(')');
  return name_end != std::string::npos && name_end + 2 < stat.size() && stat[name_end + 2] != 'Z' &&
         stat[name_end + 2] != 'X';
}

bool seems_alive(const lock_owner& owner) {
  if (owner.untouched > lifetime) return false;
  return owner.machine != machine() || owner.pid <= 0 || runs(owner.pid);
}

// Creates the lock file if there is none; whether it did.
bool try_create(const std::string& path, const std::string& text) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0) {
    if (errno == EEXIST) return false;
    throw io_error(
        fmt::format("{}: cannot create the lock file ({}); is the directory writable?", path, std::strerror(errno)));
  }
  const bool written = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int reason = errno;
  close(fd);
  if (written) return true;
  unlink(path.c_str());
  throw io_error(fmt::format("{}: cannot write the lock file ({})", path, std::strerror(reason)));
}

// Moves a dead run's lock out of the way. Whoever loses this race finds another lock in its place, puts it back and is
// refused.
void remove_dead(const std::string& path, const std::string& seen) {
  const std::string aside = fmt::format("{}.{}.{}", path, host_name(), getpid());
  if (rename(path.c_str(), aside.c_str()) != 0) return;
  if (read_text(aside) != seen && link(aside.c_str(), path.c_str()) != 0) {
    unlink(aside.c_str());
    throw io_error(fmt::format("{}: two runs took over this lock at once; start one of them again", path));
  }
  unlink(aside.c_str());
}

}  // namespace

std::string lock_owner::describe() const {
  return fmt::format("pid {} on {}{}, last active {} s ago", pid, host,
                     job == "none" ? "" : fmt::format(" (job {})", job), untouched.count());
}

file_lock::file_lock(const std::string& file) : path_(lock_path(file)), text_(my_text()) {
  constexpr int patience = 5;
  for (int i = 0; !try_create(path_, text_); ++i) {
    struct stat status {};
    if (stat(path_.c_str(), &status) != 0) continue;  // its owner has just removed it
    const std::string seen = read_text(path_);
    const lock_owner owner = parse(seen, status.st_mtime);
    if (seems_alive(owner) || i == patience) {
      throw io_error(fmt::format(
          "{}: another run is writing it ({}). Wait for it, or choose another --output; if that run is dead, "
          "its lock is taken over a minute after its last sign of life",
          file, owner.describe()));
    }
    remove_dead(path_, seen);
    notice_ = fmt::format("took over the lock of a dead run ({})", owner.describe());
  }
  keeper_ = std::thread([this] { keep_fresh(); });
}

file_lock::~file_lock() {
  {
    const std::lock_guard guard(mutex_);
    ending_ = true;
  }
  wake_.notify_all();
  keeper_.join();
  if (!lost_ && read_text(path_) == text_) unlink(path_.c_str());
}

void file_lock::keep_fresh() {
  std::unique_lock guard(mutex_);
  while (!wake_.wait_for(guard, touch_interval, [this] { return ending_; })) {
    const std::string seen = read_text(path_);
    if (seen.empty()) {  // somebody removed it: take it again, unless somebody else does
      try {
        try_create(path_, text_);
      } catch (const io_error&) {  // the file system does not answer; ask again later
      }
      continue;
    }
    if (seen != text_) {
      lost_ = true;
      return;
    }
    utimensat(AT_FDCWD, path_.c_str(), nullptr, 0);
  }
}

std::optional<lock_owner> living_owner(const std::string& file) {
  struct stat status {};
  if (stat(lock_path(file).c_str(), &status) != 0) return std::nullopt;
  const lock_owner owner = parse(read_text(lock_path(file)), status.st_mtime);
  if (!seems_alive(owner)) return std::nullopt;
  return owner;
}

}  // namespace cotscale
