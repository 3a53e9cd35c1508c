// Means over random samples, and their comparison with what theory expects.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace cotscale::support {

/// Means and standard errors of several observables, from samples that arrive one by one (Welford 1962).
class sample_means {
 public:
  explicit sample_means(int observables)
      : means_(static_cast<std::size_t>(observables)), squares_(static_cast<std::size_t>(observables)) {}

  void add(std::span<const double> sample) {
    ++count_;
    for (std::size_t i = 0; i < means_.size(); ++i) update(i, sample[i]);
  }
  void add(double sample) {
    ++count_;
    update(0, sample);
  }

  std::size_t size() const { return means_.size(); }
  double mean(std::size_t i = 0) const { return means_[i]; }
  double standard_error(std::size_t i = 0) const { return std::sqrt(squares_[i] / (count_ - 1) / count_); }

 private:
  void update(std::size_t i, double value) {
    const double before = value - means_[i];
    means_[i] += before / count_;
    squares_[i] += before * (value - means_[i]);
  }

  double count_ = 0;
  std::vector<double> means_;
  std::vector<double> squares_;
};

/// Whether every mean is within so many of its standard errors of what is expected.
inline testing::AssertionResult within(double standard_errors, const sample_means& sample,
                                       std::span<const double> expected) {
  if (sample.size() != expected.size()) {
    return testing::AssertionFailure() << sample.size() << " observables, " << expected.size() << " expectations";
  }
  for (std::size_t i = 0; i < sample.size(); ++i) {
    const double gap = std::abs(sample.mean(i) - expected[i]);
    if (gap <= standard_errors * sample.standard_error(i)) continue;
    return testing::AssertionFailure() << "observable " << i << ": mean " << sample.mean(i) << ", expected "
                                       << expected[i] << ", " << gap / sample.standard_error(i)
                                       << " standard errors apart";
  }
  return testing::AssertionSuccess();
}

inline testing::AssertionResult within(double standard_errors, const sample_means& sample, double expected) {
  return within(standard_errors, sample, std::vector<double>{expected});
}

}  // namespace cotscale::support
