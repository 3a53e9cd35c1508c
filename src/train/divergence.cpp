#include "divergence.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace cotscale::detail {
namespace {

struct sample {
  double mean = 0;
  double variance_of_mean = 0;
};

template<class F>
sample summarise(const std::vector<double>& values, const F& f) {
  const auto count = static_cast<double>(values.size());
  sample out;
  for (const double x : values) out.mean += f(x) / count;
  for (const double x : values) out.variance_of_mean += std::pow(f(x) - out.mean, 2) / (count - 1) / count;
  return out;
}

template<class F>
bool larger(const std::vector<double>& losses, const std::vector<double>& others, const F& f) {
  constexpr double standard_errors = 4;
  const sample a = summarise(losses, f), b = summarise(others, f);
  return a.mean - b.mean > standard_errors * std::sqrt(a.variance_of_mean + b.variance_of_mean);
}

template<class F>
std::vector<double> mapped(const std::vector<prompt_loss>& losses, const F& f) {
  std::vector<double> out(losses.size());
  std::transform(losses.begin(), losses.end(), out.begin(), f);
  return out;
}

}  // namespace

std::int64_t verdict_batches(std::int64_t batch, bool fresh_prompts) {
  constexpr std::int64_t prompts = 512, least = 4;
  return fresh_prompts ? std::max(least, (prompts + batch - 1) / batch) : 1;
}

bool exceeds(const std::vector<double>& losses, const std::vector<double>& others) {
  // Scaled, lest squares of large losses overflow.
  const double scale =
      std::max({1.0, *std::max_element(losses.begin(), losses.end()), *std::max_element(others.begin(), others.end())});
  const auto log = [](double x) { return std::log(std::max(x, std::numeric_limits<double>::min())); };
  return larger(losses, others, [=](double x) { return x / scale; }) || larger(losses, others, log);
}

bool all_finite(const std::vector<prompt_loss>& losses) {
  return std::all_of(losses.begin(), losses.end(), [](const prompt_loss& l) { return std::isfinite(l.model); });
}

std::vector<double> of_model(const std::vector<prompt_loss>& losses) {
  return mapped(losses, [](const prompt_loss& l) { return l.model; });
}

std::vector<double> of_zero(const std::vector<prompt_loss>& losses) {
  return mapped(losses, [](const prompt_loss& l) { return l.zero; });
}

}  // namespace cotscale::detail
