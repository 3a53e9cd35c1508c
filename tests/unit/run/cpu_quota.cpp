#include "../src/run/cpu_quota.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "cotscale/base/parallel.hpp"

namespace cotscale::detail {
namespace {

// Control groups in a directory of their own.
class cpu_quota_files : public testing::Test {
 protected:
  cpu_quota_files() { std::filesystem::create_directories(top_ / "a/b"); }
  ~cpu_quota_files() override { std::filesystem::remove_all(top_); }

  void write(const std::string& name, const std::string& text) const { std::ofstream(top_ / name) << text; }
  std::string mounted(const std::string& root, const std::string& type, const std::string& options) const {
    return fmt::format("22 1 8:1 / / rw - ext4 /dev/sda rw\n30 22 0:26 {} {} rw,nosuid shared:4 - {} cgroup {}\n", root,
                       top_.string(), type, options);
  }

  std::filesystem::path top_ = std::filesystem::temp_directory_path() / fmt::format("cotscale_quota_{}", getpid());
};

TEST_F(cpu_quota_files, version_2_has_the_narrowest_limit_on_the_way_to_the_root) {
  const std::string mountinfo = mounted("/", "cgroup2", "rw");
  EXPECT_FALSE(find_quota("0::/a/b\n", mountinfo));
  write("a/b/cpu.max", "max 100000\n");
  EXPECT_FALSE(find_quota("0::/a/b\n", mountinfo));
  write("a/cpu.max", "150000 100000\n");
  write("cpu.max", "400000 100000\n");
  EXPECT_DOUBLE_EQ(find_quota("0::/a/b\n", mountinfo).value().cores, 1.5);
  EXPECT_EQ(find_quota("0::/a/b\n", mountinfo).value().group, (top_ / "a").string());
  EXPECT_DOUBLE_EQ(find_quota("0::/\n", mountinfo).value().cores, 4);
  write("a/b/cpu.max", "50000 100000\n");
  EXPECT_DOUBLE_EQ(find_quota("0::/a/b\n", mountinfo).value().cores, 0.5);
}

TEST_F(cpu_quota_files, version_1_has_two_files) {
  const std::string mountinfo = mounted("/", "cgroup", "rw,cpu,cpuacct"), cgroup = "5:memory:/x\n4:cpu,cpuacct:/a/b\n";
  EXPECT_FALSE(find_quota(cgroup, mountinfo));
  write("a/b/cpu.cfs_quota_us", "-1\n");
  write("a/b/cpu.cfs_period_us", "100000\n");
  EXPECT_FALSE(find_quota(cgroup, mountinfo));
  write("a/b/cpu.cfs_quota_us", "300000\n");
  EXPECT_DOUBLE_EQ(find_quota(cgroup, mountinfo).value().cores, 3);
  EXPECT_FALSE(find_quota(cgroup, mounted("/", "cgroup", "rw,memory"))) << "another controller's files";
}

TEST_F(cpu_quota_files, a_container_sees_its_own_group_as_the_root) {
  write("cpu.max", "200000 100000\n");
  for (const char* group : {"0::/docker/1234\n", "0::/\n", "0::/../elsewhere\n"}) {
    EXPECT_DOUBLE_EQ(find_quota(group, mounted("/docker/1234", "cgroup2", "rw")).value().cores, 2) << group;
  }
}

TEST(cpu_quota, passes_over_what_it_does_not_understand) {
  EXPECT_FALSE(find_quota("", ""));
  EXPECT_FALSE(find_quota("0::\n:\n::\nnonsense\n", "a b c\n - \n1 2 3 4 5 6 - cgroup2\n\n"));
}

TEST(process_cpus, has_one_at_least) { EXPECT_GE(process_cpus().size(), 1U); }

}  // namespace
}  // namespace cotscale::detail
