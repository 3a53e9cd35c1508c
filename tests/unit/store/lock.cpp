#include "cotscale/store/lock.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#include "cotscale/base/error.hpp"

namespace cotscale {
namespace {

class lock_test : public testing::Test {
 protected:
  ~lock_test() override { std::filesystem::remove(file_ + ".lock"); }

  std::string lock_text() const {
    std::ifstream in(file_ + ".lock");
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
  }

  // Leaves a lock whose last touch was `age` seconds ago.
  void leave_lock(const std::string& text, long age) const {
    std::ofstream(file_ + ".lock") << text;
    const timespec then{.tv_sec = std::time(nullptr) - age, .tv_nsec = 0};
    const timespec times[2] = {then, then};
    ASSERT_EQ(utimensat(AT_FDCWD, (file_ + ".lock").c_str(), times, 0), 0);
  }

  std::string file_ = (std::filesystem::temp_directory_path() / ("cotscale_lock_" + std::to_string(getpid()))).string();
};

TEST_F(lock_test, a_second_run_is_refused_and_told_who_holds_it) {
  const file_lock first(file_);
  EXPECT_TRUE(first.notice().empty());
  try {
    const file_lock second(file_);
    FAIL() << "no exception";
  } catch (const io_error& e) {
    EXPECT_NE(std::string(e.what()).find("pid " + std::to_string(getpid())), std::string::npos) << e.what();
  }
}

TEST_F(lock_test, is_gone_after_the_run) {
  { const file_lock lock(file_); }
  EXPECT_FALSE(std::filesystem::exists(file_ + ".lock"));
  EXPECT_FALSE(living_owner(file_).has_value());
}

TEST_F(lock_test, of_a_dead_process_of_this_machine_is_taken_over_at_once) {
  const pid_t child = fork();
  if (child == 0) {
    new file_lock(file_);  // never released, as after SIGKILL
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_NE(lock_text(), "");
  EXPECT_FALSE(living_owner(file_).has_value());
  const file_lock lock(file_);
  EXPECT_NE(lock.notice().find("dead run (pid " + std::to_string(child)), std::string::npos) << lock.notice();
}

TEST_F(lock_test, of_another_host_is_respected_for_a_minute) {
  leave_lock("host: far\njob: 7\npid: 1\nmachine: elsewhere\n", 30);
  ASSERT_TRUE(living_owner(file_).has_value());
  EXPECT_EQ(living_owner(file_)->host, "far");
  EXPECT_THROW(file_lock{file_}, io_error);
  leave_lock("host: far\njob: 7\npid: 1\nmachine: elsewhere\n", 70);
  const file_lock lock(file_);
  EXPECT_NE(lock.notice().find("on far (job 7)"), std::string::npos) << lock.notice();
}

TEST_F(lock_test, a_damaged_lock_is_respected_while_it_is_fresh) {
  leave_lock("", 5);
  EXPECT_THROW(file_lock{file_}, io_error);
  leave_lock("", 70);
  EXPECT_NO_THROW(file_lock{file_});
}

TEST_F(lock_test, a_lock_that_somebody_else_took_over_is_left_to_them) {
  {
    const file_lock lock(file_);
    leave_lock("host: far\njob: 7\npid: 1\nmachine: elsewhere\n", 0);
  }
  EXPECT_EQ(lock_text().rfind("host: far", 0), 0U);
}

constexpr lock_times quick{.touch = std::chrono::milliseconds(50),
                           .lifetime = std::chrono::milliseconds(400),
                           .ask = std::chrono::milliseconds(20)};

// Of a process that never sleeps, however busy the machine is.
constexpr lock_times awake{.touch = quick.touch, .lifetime = std::chrono::minutes(1), .ask = quick.ask};

void expect_refusal(const std::string& file, const char* text) {
  try {
    const file_lock lock(file);
    FAIL() << "no exception";
  } catch (const io_error& e) {
    EXPECT_NE(std::string(e.what()).find(text), std::string::npos) << e.what();
  }
}

TEST_F(lock_test, what_is_no_file_is_refused_at_once) {
  const std::string lock = file_ + ".lock";
  std::filesystem::create_symlink("/nowhere/at/all", lock);
  expect_refusal(file_, "a link");
  std::filesystem::remove(lock);
  std::filesystem::create_symlink(lock, lock);
  expect_refusal(file_, "a link");
  EXPECT_FALSE(living_owner(file_).has_value());
  std::filesystem::remove(lock);
  ASSERT_EQ(mkfifo(lock.c_str(), 0600), 0);
  expect_refusal(file_, "a FIFO");
  EXPECT_FALSE(living_owner(file_).has_value());
  std::filesystem::remove(lock);
  std::filesystem::create_directory(lock);
  expect_refusal(file_, "a directory");
}

// Clocks of two hosts may differ by any time.
TEST_F(lock_test, of_another_host_that_was_touched_in_the_future_is_watched) {
  leave_lock("host: far\njob: 7\npid: 1\nmachine: elsewhere\n", -1000);
  EXPECT_NE(living_owner(file_)->describe().find("in the future"), std::string::npos);
  {
    std::jthread toucher([&](const std::stop_token& stop) {
      for (long i = 0; !stop.stop_requested(); ++i) {
        leave_lock("host: far\njob: 7\npid: 1\nmachine: elsewhere\n", -1000 - i);
        std::this_thread::sleep_for(quick.touch);
      }
    });
    EXPECT_THROW(file_lock(file_, quick), io_error);
  }
  const file_lock lock(file_, quick);
  EXPECT_NE(lock.notice().find("on far (job 7)"), std::string::npos) << lock.notice();
}

TEST_F(lock_test, is_touched_while_it_is_held) {
  const file_lock lock(file_, quick);
  leave_lock(lock.text(), 30);
  std::this_thread::sleep_for(4 * quick.touch);
  EXPECT_LE(living_owner(file_)->untouched.count(), 5);
}

TEST_F(lock_test, that_is_lost_is_noticed_by_whoever_watches) {
  const file_lock lock(file_, awake);
  std::atomic<int> losses = 0;
  lock_watch watch(
      file_, lock.text(), [&] { ++losses; }, awake);
  EXPECT_NO_THROW(watch.require_held());
  std::filesystem::remove(file_ + ".lock");  // nobody else's: the keeper takes it again
  std::this_thread::sleep_for(4 * quick.touch);
  EXPECT_NO_THROW(watch.require_held());
  EXPECT_EQ(lock_text(), lock.text());
  std::filesystem::remove(file_ + ".lock");
  leave_lock("host: far\njob: 7\npid: 1\nmachine: elsewhere\n", 0);
  EXPECT_THROW(watch.require_held(), io_error);
  std::this_thread::sleep_for(10 * quick.ask);
  EXPECT_EQ(losses, 1);
}

TEST_F(lock_test, that_cannot_be_read_is_not_lost) {
  lock_watch watch(
      file_, "mine", [] { FAIL(); }, awake);
  EXPECT_NO_THROW(watch.require_held());  // there is none
  leave_lock("", 0);                      // somebody is creating it
  std::this_thread::sleep_for(4 * quick.ask);
  EXPECT_NO_THROW(watch.require_held());
}

// Another run may have come and gone.
TEST_F(lock_test, that_is_gone_after_a_long_sleep_is_lost) {
  constexpr lock_times sleepy{.touch = quick.touch, .lifetime = quick.lifetime, .ask = std::chrono::minutes(1)};
  lock_watch watch(
      file_, "mine", [] {}, sleepy);
  std::this_thread::sleep_for(quick.lifetime);
  EXPECT_THROW(watch.require_held(), io_error);
}

TEST_F(lock_test, a_directory_that_does_not_exist_is_named) {
  try {
    const file_lock lock("/nowhere/results.h5");
    FAIL() << "no exception";
  } catch (const io_error& e) {
    EXPECT_NE(std::string(e.what()).find("/nowhere/results.h5.lock"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace cotscale
