#include "cotscale/config/differences.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cotscale {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::string eleven = "n = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]\n";

TEST(differences, name_every_key_with_both_values) {
  EXPECT_THAT(differences("a = 1\n[t]\nb = 'x'\n", "a = 1\n[t]\nb = 'x'\n"), IsEmpty());
  EXPECT_THAT(differences("a = 1\n[t]\nb = 'x'\n", "a = 2\n[t]\nc = true\n"),
              ElementsAre("a: in the file 1, now 2", "t.b: in the file 'x', now (not set)",
                          "t.c: in the file (not set), now true"));
  EXPECT_THAT(differences("n = [1, 2]\n", "n = [1, 3]\n"), ElementsAre("n: in the file [ 1, 2 ], now [ 1, 3 ]"));
}

TEST(differences, of_long_lists_are_the_values_that_only_one_has) {
  EXPECT_THAT(differences(eleven, "n = [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13]\n"),
              ElementsAre("n: in the file 11 values, now 12; only in the file 10; only now 12, 13"));
  EXPECT_THAT(differences(eleven, "n = [2, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11]\n"),
              ElementsAre("n: in the file 11 values, now 11, in another order"));
}

TEST(differences, of_lists_of_tables_are_key_by_key) {
  EXPECT_THAT(
      differences("[[t.s]]\na = 1\n[[t.s]]\na = 2\nb = 3\n", "[[t.s]]\na = 1\n[[t.s]]\na = 4\n[[t.s]]\nc = 5\n"),
      ElementsAre("t.s[1].a: in the file 2, now 4", "t.s[1].b: in the file 3, now (not set)",
                  "t.s[2].c: in the file (not set), now 5"));
}

}  // namespace
}  // namespace cotscale
