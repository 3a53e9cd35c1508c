#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "cotscale/base/input_file.hpp"
#include "cotscale/hdf5/file.hpp"
#include "support/matrices.hpp"
#include "support/spectra.hpp"

namespace cotscale {
namespace {

using support::spectrum_of;
using support::spectrum_refusal;
using testing::HasSubstr;

class file : public testing::Test {
 protected:
  file() {
    std::filesystem::create_directories(directory_);
    write({2, 2}, {2, 1, 1, 2});
  }
  ~file() override { std::filesystem::remove_all(directory_); }

  void write(const extents& shape, const std::vector<double>& values) {
    hdf5_file out = hdf5_file::create(path().string());
    out.create_dataset("covariance", shape, 0.0);
    out.write<double>("covariance", values);
    out.close();
  }
  std::filesystem::path path() const { return directory_ / "c.h5"; }
  spectrum::surroundings where(int d = 2) const { return {.d = d, .directory = directory_}; }

 private:
  std::filesystem::path directory_ =
      std::filesystem::temp_directory_path() / ("cotscale_spectrum_file_" + std::to_string(getpid()));
};

TEST_F(file, alone_stands_for_the_spectrum_and_brings_its_own_basis) {
  const auto s = spectrum_of("file = 'c.h5'", where());
  EXPECT_EQ(s->word(), "file");
  EXPECT_TRUE(support::close(s->eigenvalues(2), std::vector<double>{1, 3}, 8 * support::epsilon));
  ASSERT_NE(s->basis(), nullptr);
  const matrix& v = *s->basis();
  EXPECT_NEAR(v(0, 0) * v(1, 0), -0.5, 8 * support::epsilon) << "(1, −1)/√2 has the eigenvalue 1";
  EXPECT_NEAR(v(0, 1) * v(1, 1), 0.5, 8 * support::epsilon) << "(1, 1)/√2 has the eigenvalue 3";
  EXPECT_TRUE(s->notice().empty());
  EXPECT_EQ(support::canonical_keys(s),
            "spectrum = 'file'\nfile = 'c.h5'\nsha256 = '" + sha256_of_file(path()) + "'\n");
}

TEST_F(file, is_known_by_its_bytes) {
  const stream_key before = support::key_of(*spectrum_of("file = 'c.h5'", where()));
  write({2, 2}, {2, 1, 1, 3});
  EXPECT_NE(support::key_of(*spectrum_of("file = 'c.h5'", where())), before);
}

TEST_F(file, of_single_precision_is_mended_and_that_is_said) {
  write({2, 2}, {2, 1, 1 + 1e-7, 2});
  EXPECT_THAT(spectrum_of("file = 'c.h5'", where())->notice(), HasSubstr("it was symmetrised"));
}

TEST_F(file, that_cannot_be_used_is_named) {
  EXPECT_THAT(spectrum_refusal("file = 'd.h5'", where()), HasSubstr("target.file names a file that cannot be read"));
  EXPECT_THAT(spectrum_refusal("file = ''", where()), HasSubstr("set it, for example file = \"covariance.h5\""));
  EXPECT_THAT(spectrum_refusal("file = 'c.h5'", where(3)), HasSubstr("must have shape (3, 3) for task.d = 3"));
  EXPECT_THAT(spectrum_refusal("file = 'c.h5'\nsha256 = '00'", where()),
              HasSubstr("target.sha256 is 00, but c.h5 has"));
  EXPECT_EQ(spectrum_refusal("file = 'c.h5'", where(0)), "no exception") << "nothing is read while d is wrong";
}

}  // namespace
}  // namespace cotscale
