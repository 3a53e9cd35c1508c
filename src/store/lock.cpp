#include "cotscale/store/lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <span>
#include <sstream>
#include <utility>

#include "cotscale/base/descriptor.hpp"
#include "cotscale/base/error.hpp"
#include "cotscale/base/output.hpp"
#include "cotscale/comm/environment.hpp"

namespace cotscale {
namespace {

std::string lock_path(const std::string& file) { return file + ".lock"; }

// What a lock file says, and when it was touched.
struct lock_content {
  std::string text;
  timespec touched{};
  friend bool operator==(const lock_content& a, const lock_content& b) {
    return a.text == b.text && a.touched.tv_sec == b.touched.tv_sec && a.touched.tv_nsec == b.touched.tv_nsec;
  }
};

// Nothing if there is no regular file, or it cannot be read now. It is opened anew, since NFS asks the server only
// then.
std::optional<lock_content> look_at(const std::string& path) {
  const descriptor file = open_descriptor(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  struct stat status {};
  if (!file || fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  constexpr std::size_t most = 4096;  // more is no lock of ours
  std::string text(most, '\0');
  if (!read_at(file, std::as_writable_bytes(std::span(text)), 0)) text.clear();
  text.resize(std::min(text.size(), text.find('\0')));
  return lock_content{.text = std::move(text), .touched = status.st_mtim};
}

std::string text_in(const std::string& path) {
  const std::optional<lock_content> content = look_at(path);
  return content ? content->text : "";
}

// Throws io_error if something is there that never is a lock of ours, and that waiting would not change.
void require_lock_file(const std::string& path) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0 || S_ISREG(status.st_mode)) return;
  const char* kind = S_ISLNK(status.st_mode)    ? "a link"
                     : S_ISFIFO(status.st_mode) ? "a FIFO"
                     : S_ISDIR(status.st_mode)  ? "a directory"
                                                : "not a file";
  throw io_error(
      fmt::format("{}: is {}, not the lock file of a run; remove it, or choose another --output", path, kind));
}

// Two processes with equal values see each other's pids.
std::string machine() {
  std::error_code none;
  const std::string boot = text_in("/proc/sys/kernel/random/boot_id");
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

lock_owner parse(const lock_content& content) {
  return {.host = value_of(content.text, "host"),
          .job = value_of(content.text, "job"),
          .pid = std::strtol(value_of(content.text, "pid").c_str(), nullptr, 10),
          .machine = value_of(content.text, "machine"),
          .untouched = std::chrono::seconds(std::time(nullptr) - content.touched.tv_sec)};
}

// Whether a process of this machine runs. A zombie does not: where nobody reaps, a killed rank stays one.
bool runs(long pid) {
  const std::string stat = text_in(fmt::format("/proc/{}/stat", pid));
  const std::size_t name_end = stat.rfind(')');
  return name_end != std::string::npos && name_end + 2 < stat.size() && stat[name_end + 2] != 'Z' &&
         stat[name_end + 2] != 'X';
}

bool seems_alive(const lock_owner& owner, std::chrono::milliseconds lifetime) {
  if (owner.untouched > lifetime) return false;
  return owner.machine != machine() || owner.pid <= 0 || runs(owner.pid);
}

// Whether a lock that says nothing of its age, since the clocks of two hosts differ, is touched while it is watched.
bool is_touched(const std::string& path, const lock_content& seen, const lock_times& times) {
  const auto end = std::chrono::steady_clock::now() + times.lifetime;
  while (std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(times.ask);
    const std::optional<lock_content> now = look_at(path);
    if (now && !(*now == seen)) return true;
  }
  return false;
}

// Creates the lock file if there is none; whether it did.
bool try_create(const std::string& path, const std::string& text) {
  descriptor file = open_descriptor(path, O_WRONLY | O_CREAT | O_EXCL);
  if (!file) {
    if (errno == EEXIST) return false;
    throw io_error(fmt::format("{}: cannot create the lock file ({}); is the directory writable?", path, reason()));
  }
  if (write_at(file, std::as_bytes(std::span(text)), 0) && file.close()) return true;
  const std::string why = reason();
  unlink(path.c_str());
  throw io_error(fmt::format("{}: cannot write the lock file ({})", path, why));
}

// Moves a dead run's lock out of the way. Whoever loses this race finds another lock in its place, puts it back and is
// refused.
void remove_dead(const std::string& path, const lock_content& seen) {
  const std::string aside = fmt::format("{}.{}.{}", path, host_name(), getpid());
  if (rename(path.c_str(), aside.c_str()) != 0) return;
  const std::optional<lock_content> taken = look_at(aside);
  if (taken && !(*taken == seen) && link(aside.c_str(), path.c_str()) != 0) {
    unlink(aside.c_str());
    throw io_error(fmt::format("{}: two runs took over this lock at once; start one of them again", path));
  }
  unlink(aside.c_str());
}

[[noreturn]] void refuse(const std::string& file, const lock_owner& owner) {
  throw io_error(
      fmt::format("{}: another run is writing it ({}). Wait for it, or choose another --output; if that run is dead, "
                  "its lock is taken over a minute after its last sign of life",
                  file, owner.describe()));
}

}  // namespace

std::string lock_owner::describe() const {
  const std::string active =
      untouched.count() >= 0
          ? fmt::format("last active {} s ago", untouched.count())
          : fmt::format("last touched {} s in the future, so that clocks differ", -untouched.count());
  return fmt::format("pid {} on {}{}, {}", pid, host, job == "none" ? "" : fmt::format(" (job {})", job), active);
}

file_lock::file_lock(const std::string& file, const lock_times& times)
    : path_(lock_path(file)), text_(my_text()), times_(times) {
  constexpr int patience = 5;
  for (int i = 0; !try_create(path_, text_); ++i) {
    require_lock_file(path_);
    const std::optional<lock_content> seen = look_at(path_);
    if (!seen && i < patience) continue;  // its owner has just removed it
    if (!seen) throw io_error(fmt::format("{}: the lock file is there, but cannot be read", path_));
    const lock_owner owner = parse(*seen);
    if (i == patience) refuse(file, owner);
    if (seems_alive(owner, times.lifetime)) {
      constexpr std::chrono::seconds skew(5);
      if (owner.machine == machine() || owner.untouched > -skew) refuse(file, owner);
      warn("{}: locked by {}; watching for {} s whether it is alive", file, owner.describe(),
           std::chrono::duration<double>(times.lifetime).count());
      if (is_touched(path_, *seen, times)) refuse(file, owner);
    }
    remove_dead(path_, *seen);
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
  if (text_in(path_) == text_) unlink(path_.c_str());
}

void file_lock::keep_fresh() {
  std::unique_lock guard(mutex_);
  auto looked = std::chrono::steady_clock::now();
  while (!wake_.wait_for(guard, times_.touch, [this] { return ending_; })) {
    const std::string seen = text_in(path_);
    const auto now = std::chrono::steady_clock::now();
    const bool slept = now - looked > times_.lifetime / 2;
    looked = now;
    if (seen.empty() && slept) return;  // another run may have come and gone: see lock_watch::ask
    if (seen.empty()) {                 // somebody removed it: take it again, unless somebody else does
      try {
        try_create(path_, text_);
      } catch (const io_error&) {  // the file system does not answer; ask again later
      }
    } else if (seen == text_) {
      utimensat(AT_FDCWD, path_.c_str(), nullptr, 0);
    }
  }
}

lock_watch::lock_watch(const std::string& file, std::string text, std::function<void()> on_loss,
                       const lock_times& times)
    : path_(lock_path(file)), text_(std::move(text)), on_loss_(std::move(on_loss)), times_(times) {
  watcher_ = std::thread([this] { watch(); });
}

lock_watch::~lock_watch() {
  {
    const std::lock_guard guard(mutex_);
    ending_ = true;
  }
  wake_.notify_all();
  watcher_.join();
}

void lock_watch::ask() {
  const std::string seen = text_in(path_);
  const bool is_gone = access(path_.c_str(), F_OK) != 0 && errno == ENOENT;
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  const bool slept = now - looked_.exchange(now) > times_.lifetime / 2;
  // A file that is not there, or that does not answer, is nobody else's; unless this process has slept for so long that
  // another run may have taken it over, and ended.
  if ((!seen.empty() && seen != text_) || (seen.empty() && is_gone && slept)) lost_ = true;
}

void lock_watch::watch() {
  std::unique_lock guard(mutex_);
  while (!wake_.wait_for(guard, times_.ask, [this] { return ending_; })) {
    ask();
    if (!lost_) continue;
    on_loss_();
    return;
  }
}

void lock_watch::require_held() {
  if (!lost_) ask();
  if (!lost_) return;
  throw io_error(
      "another run has taken over the lock of the results file; this one ends, and stores nothing more. Was it "
      "suspended for a minute?");
}

std::optional<lock_owner> living_owner(const std::string& file) {
  const std::optional<lock_content> content = look_at(lock_path(file));
  if (!content) return std::nullopt;
  const lock_owner owner = parse(*content);
  if (!seems_alive(owner, lock_times{}.lifetime)) return std::nullopt;
  return owner;
}

}  // namespace cotscale
