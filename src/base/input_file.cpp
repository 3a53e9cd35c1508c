#include "cotscale/base/input_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <vector>

#include "cotscale/base/descriptor.hpp"
#include "cotscale/base/error.hpp"
#include "cotscale/base/hash.hpp"

namespace cotscale {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path) {
  throw io_error(fmt::format("{}: cannot read the file ({})", path.string(), reason()));
}

void require_regular(const std::filesystem::path& path, mode_t mode) {
  if (S_ISREG(mode)) return;
  const char* kind = S_ISDIR(mode)    ? "a directory"
                     : S_ISFIFO(mode) ? "a pipe"
                     : S_ISCHR(mode)  ? "a device"
                     : S_ISBLK(mode)  ? "a device"
                     : S_ISSOCK(mode) ? "a socket"
                                      : "no file";
  throw io_error(fmt::format("{}: is {}; give a regular file", path.string(), kind));
}

class input {
 public:
  // Without waiting for the other end of a FIFO that has taken the file's place meanwhile.
  explicit input(const std::filesystem::path& path) : path_(path) {
    require_regular_file(path);
    file_ = open_descriptor(path.string(), O_RDONLY | O_NONBLOCK | O_NOCTTY);
    struct stat status {};
    if (!file_ || fstat(file_.get(), &status) != 0) fail(path_);
    require_regular(path_, status.st_mode);
  }

  // The next bytes; none at the end.
  std::string_view read(std::vector<char>& buffer) const {
    ssize_t count = 0;
    do {
      count = ::read(file_.get(), buffer.data(), buffer.size());
    } while (count < 0 && errno == EINTR);
    if (count < 0) fail(path_);
    return {buffer.data(), static_cast<std::size_t>(count)};
  }

 private:
  const std::filesystem::path& path_;
  descriptor file_;
};

constexpr std::size_t buffer_size = std::size_t{1} << 18;

}  // namespace

void require_regular_file(const std::filesystem::path& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) == 0) require_regular(path, status.st_mode);
}

std::string read_regular_file(const std::filesystem::path& path, std::uint64_t limit) {
  const input file(path);
  std::string text;
  std::vector<char> buffer(buffer_size);
  for (;;) {
    const std::string_view bytes = file.read(buffer);
    if (bytes.empty()) return text;
    text += bytes;
    if (text.size() > limit) {
      throw io_error(fmt::format("{}: is longer than {} MB; is it the right file?", path.string(), limit / 1'000'000));
    }
  }
}

std::string sha256_of_file(const std::filesystem::path& path) {
  const input file(path);
  sha256_sum sum;
  std::vector<char> buffer(buffer_size);
  for (std::string_view bytes = file.read(buffer); !bytes.empty(); bytes = file.read(buffer)) sum.add(bytes);
  return sum.hexadecimal();
}

}  // namespace cotscale
