#include "cpu_quota.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <vector>

namespace cotscale::detail {
namespace {

constexpr double unlimited = std::numeric_limits<double>::infinity();

std::string contents(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, separator);) parts.push_back(part);
  return parts;
}

bool has_word(const std::string& list, const std::string& word) {
  const std::vector<std::string> words = split(list, ',');
  return std::find(words.begin(), words.end(), word) != words.end();
}

// "max 100000" or "150000 100000", in µs a period.
double quota_of_version_2(const std::filesystem::path& group) {
  std::istringstream text(contents(group / "cpu.max"));
  double quota = 0, period = 0;
  return text >> quota >> period && quota > 0 && period > 0 ? quota / period : unlimited;
}

double quota_of_version_1(const std::filesystem::path& group) {
  std::istringstream quota_text(contents(group / "cpu.cfs_quota_us")),
      period_text(contents(group / "cpu.cfs_period_us"));
  double quota = 0, period = 0;
  return quota_text >> quota && period_text >> period && quota > 0 && period > 0 ? quota / period : unlimited;
}

// A mounted hierarchy that has the processors' controller: a line of mountinfo is
// "ID PARENT DEVICE ROOT MOUNT_POINT OPTIONS [FIELDS …] - TYPE SOURCE OPTIONS".
struct hierarchy {
  int version;
  std::filesystem::path root, mount_point;
};

std::optional<hierarchy> hierarchy_of(const std::string& line) {
  const std::vector<std::string> words = split(line, ' ');
  const auto dash = std::find(words.begin(), words.end(), "-");
  if (words.size() < 5 || words.end() - dash < 4) return std::nullopt;
  const std::string& type = *(dash + 1);
  if (type == "cgroup2") return hierarchy{2, words[3], words[4]};
  if (type == "cgroup" && has_word(*(dash + 3), "cpu")) return hierarchy{1, words[3], words[4]};
  return std::nullopt;
}

// The group's path in a hierarchy: a line of cgroup is "ID:CONTROLLERS:PATH", of version 2 "0::PATH".
std::optional<std::filesystem::path> group_in(const hierarchy& h, const std::string& cgroup) {
  for (const std::string& line : split(cgroup, '\n')) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (h.version == 2 ? controllers.empty() : has_word(controllers, "cpu")) return line.substr(second + 1);
  }
  return std::nullopt;
}

// Where the group's files are. In a container the root of what is mounted may be the group itself.
std::filesystem::path directory_of(const hierarchy& h, const std::filesystem::path& group) {
  const std::filesystem::path below = group.lexically_relative(h.root);
  if (below.empty() || below == "." || *below.begin() == "..") return h.mount_point;
  return h.mount_point / below;
}

}  // namespace

std::optional<cpu_quota> find_quota(const std::string& cgroup, const std::string& mountinfo) {
  cpu_quota narrowest{.group = "", .cores = unlimited};
  for (const std::string& line : split(mountinfo, '\n')) {
    const std::optional<hierarchy> h = hierarchy_of(line);
    const std::optional<std::filesystem::path> group = h ? group_in(*h, cgroup) : std::nullopt;
    if (!group) continue;
    for (std::filesystem::path at = directory_of(*h, *group);; at = at.parent_path()) {
      const double cores = h->version == 2 ? quota_of_version_2(at) : quota_of_version_1(at);
      if (cores < narrowest.cores) narrowest = {.group = at.string(), .cores = cores};
      if (at == h->mount_point || at == at.root_path() || at.empty()) break;
    }
  }
  if (narrowest.cores == unlimited) return std::nullopt;
  return narrowest;
}

std::optional<cpu_quota> own_quota() {
  return find_quota(contents("/proc/self/cgroup"), contents("/proc/self/mountinfo"));
}

}  // namespace cotscale::detail
