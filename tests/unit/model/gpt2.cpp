#include "cotscale/model/gpt2.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "cotscale/base/error.hpp"
#include "support/positions.hpp"

namespace cotscale {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

const gpt2_tensor& tensor(const gpt2_layout& layout, const std::string& name) {
  for (const gpt2_tensor& t : layout.tensors()) {
    if (t.name == name) return t;
  }
  throw std::runtime_error("no tensor " + name);
}

TEST(gpt2_layout, names_parameters_as_hugging_face_does) {
  const gpt2_layout layout({.d = 20, .size = gpt2_standard, .examples = 40, .chain = 21});
  EXPECT_THAT(tensor(layout, "wpe.weight").shape, ElementsAre(101, 256));
  EXPECT_THAT(tensor(layout, "h.0.attn.c_attn.weight").shape, ElementsAre(256, 768));
  EXPECT_THAT(tensor(layout, "h.11.mlp.c_fc.weight").shape, ElementsAre(256, 1024));
  EXPECT_THAT(tensor(layout, "h.11.mlp.c_proj.weight").shape, ElementsAre(1024, 256));
  EXPECT_THAT(tensor(layout, "ln_f.bias").shape, ElementsAre(256));
  EXPECT_THAT(tensor(layout, "read_in.weight").shape, ElementsAre(256, 21));
  EXPECT_THAT(tensor(layout, "read_out.weight").shape, ElementsAre(20, 256));
  EXPECT_EQ(tensor(layout, "h.3.mlp.c_proj.bias").offset, layout.blocks[3].mlp_proj_bias);
  EXPECT_EQ(tensor(layout, "h.3.attn.c_proj.weight").offset, layout.blocks[3].attn_proj_weight);
}

TEST(gpt2_layout, covers_the_vector_without_gaps) {
  const gpt2_layout layout({.d = 3, .size = {2, 2, 6}, .examples = 4, .chain = 2});
  std::size_t end = 0;
  std::set<std::string> names;
  for (const gpt2_tensor& t : layout.tensors()) {
    EXPECT_EQ(t.offset, end) << t.name;
    end += t.size();
    EXPECT_TRUE(names.insert(t.name).second) << t.name;
  }
  EXPECT_EQ(end, layout.size());
  EXPECT_EQ(layout.size(), 6U * 4 + 6 + 10 * 6 + 2 * (12 * 36 + 13 * 6) + 12 + 18 + 3);
}

TEST(gpt2_layout, has_rows_for_positions_that_learn) {
  std::vector<int> rows;
  for (const gpt2_configuration& c :
       support::with_all_positions({.d = 3, .size = {1, 2, 6}, .examples = 4, .chain = 3})) {
    const gpt2_layout layout(c);
    EXPECT_EQ(tensor(layout, "wpe.weight").shape.front(), c.position_rows());
    rows.push_back(c.position_rows());
  }
  EXPECT_THAT(rows, ElementsAre(8 + 3, 8 + 1, 3, 1, 3, 1));
}

TEST(sinusoidal_position, is_that_of_its_source) {
  std::vector<double> p(5);
  sinusoidal_position<double>(7, p);
  EXPECT_DOUBLE_EQ(p[0], std::sin(7.0));
  EXPECT_DOUBLE_EQ(p[1], std::cos(7.0));
  EXPECT_NEAR(p[2], std::sin(7 / std::pow(10'000, 2.0 / 5)), 1e-15);
  EXPECT_NEAR(p[3], std::cos(7 / std::pow(10'000, 2.0 / 5)), 1e-15);
  EXPECT_NEAR(p[4], std::sin(7 / std::pow(10'000, 4.0 / 5)), 1e-15);
}

TEST(gpt2_layout, refuses_what_is_no_model) {
  const auto refusal = [](gpt2_configuration c, const char* words) {
    EXPECT_THAT([&] { gpt2_layout layout(c); }, ThrowsMessage<specification_error>(HasSubstr(words)));
  };
  refusal({.d = 0, .size = gpt2_tiny, .examples = 4}, "≥ 1, not 0, 3, 2, 64, 4 and 1");
  refusal({.d = 2, .size = {1, 3, 16}, .examples = 4}, "3 heads do not divide a width of 16");
  refusal({.d = 2, .size = gpt2_tiny, .examples = 4, .chain = 0}, "chain");
}

}  // namespace
}  // namespace cotscale
