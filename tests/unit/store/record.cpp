#include "cotscale/store/record.hpp"

#include <gtest/gtest.h>

#include <set>

namespace cotscale {
namespace {

TEST(record, every_member_is_in_the_checksum) {
  const cell_record plain{.attempt = 1, .rank = 0, .start_time = 5, .wall_seconds = 1, .training_seconds = 1};
  std::set<std::uint64_t> seen{record_checksum(cell_status::done, plain, 7), record_being_written, 0};
  EXPECT_TRUE(seen.insert(record_checksum(cell_status::pending, plain, 7)).second) << "status";
  EXPECT_TRUE(seen.insert(record_checksum(cell_status::failed, plain, 7)).second) << "status";
  EXPECT_TRUE(seen.insert(record_checksum(cell_status::not_asked, plain, 7)).second) << "status";
  EXPECT_TRUE(seen.insert(record_checksum(cell_status::done, plain, 8)).second) << "the checksum of the payload";
  for (const record_variable& v : record_variables()) {
    cell_record changed = plain;
    std::visit([&](auto member) { changed.*member = 17; }, v.member);
    EXPECT_TRUE(seen.insert(record_checksum(cell_status::done, changed, 7)).second) << v.name;
  }
}

TEST(record, its_bytes_are_those_of_the_status_the_variables_and_two_checksums) { EXPECT_EQ(record_bytes(), 57U); }

}  // namespace
}  // namespace cotscale
