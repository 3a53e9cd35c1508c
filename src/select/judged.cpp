#include "cotscale/select/judged.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <utility>

#include "cotscale/base/error.hpp"
#include "cotscale/base/parallel.hpp"
#include "cotscale/base/stop.hpp"
#include "cotscale/select/plain.hpp"
#include "cotscale/task/wishart.hpp"
#include "logarithms.hpp"

namespace cotscale {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr int least_fresh = 64;  // fresh draws to begin with
constexpr int most_at_once = 8;  // by how much draws may become more in one go
constexpr int draws_of_block = static_cast<int>(lane_count);

/// The first so many draws of the target's sample covariance under a key.
class draw_set {
 public:
  draw_set(const covariance& target, int m, stream_key key) : source_(task_mixture(target), m, key) {}

  std::span<const matrix> draws() const { return draws_; }
  int count() const { return static_cast<int>(draws_.size()); }

  void grow_to(int count) {
    const int first = this->count() / draws_of_block;  // a block that is begun is drawn again
    const int blocks = (count + draws_of_block - 1) / draws_of_block;
    draws_.resize(static_cast<std::size_t>(count));
    parallel_for(blocks - first, [&](int i) {
      const int block = first + i;
      prompt_lanes p;
      source_.draw(static_cast<std::uint64_t>(block), p);
      for (int lane = 0; lane < draws_of_block && block * draws_of_block + lane < count; ++lane) {
        draws_[block * draws_of_block + lane] = gram_of_lane(1.0 / p.m, p.factor, lane);
      }
    });
  }

 private:
  wishart_source source_;
  std::vector<matrix> draws_;
};

/// Of errors whose logarithms are given; those are kept, since a mean beyond double precision's range can still be
/// compared.
struct error_statistics {
  double log_mean = 0;
  double relative_error = 0;  // standard error over mean
  double log_median = 0;
  double tail_share = 0;

  std::vector<double> logs;

  explicit error_statistics(std::vector<double> log_errors) : logs(std::move(log_errors)) {
    const std::size_t count = logs.size();
    std::vector<double> sorted = logs;
    std::sort(sorted.begin(), sorted.end());
    const double largest = sorted.back();
    log_median = count % 2 == 1 ? sorted[count / 2] : std::log(0.5) + log_sum(sorted[count / 2 - 1], sorted[count / 2]);
    log_mean = log_mean_exp(logs);
    relative_error = largest > 0 ? infinity : 0;
    if (!std::isfinite(largest)) return;
    const double mean = std::exp(log_mean - largest);
    double square = 0;
    for (const double x : logs) square += std::pow(std::exp(x - largest) - mean, 2);
    const auto n = static_cast<double>(count);
    relative_error = count < 2 ? infinity : std::sqrt(square / (n - 1) / n) / mean;
    double tail = 0;
    for (std::size_t i = count - (count + 99) / 100; i < count; ++i) tail += std::exp(sorted[i] - largest);
    tail_share = tail / (mean * n);
  }

  double relative_deviation_square(int count) const { return relative_error * relative_error * count; }
};

/// By how many of its standard errors the mean of the errors eᵃ exceeds that of eᵇ on the same draws; 0 if that cannot
/// be told.
double excess(std::span<const double> a, std::span<const double> b) {
  const double largest = std::max(*std::max_element(a.begin(), a.end()), *std::max_element(b.begin(), b.end()));
  if (!std::isfinite(largest)) return 0;
  double sum = 0;
  double squares = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = std::exp(a[i] - largest) - std::exp(b[i] - largest);
    sum += difference;
    squares += difference * difference;
  }
  const double variance = squares - sum * sum / static_cast<double>(a.size());
  return variance > 0 ? sum / std::sqrt(variance) : 0;
}

/// The draws that a descent sees, and fresh ones; neither where m is infinite.
class judge {
 public:
  judge(const judged_problem& p, const judged_options& o, std::span<const std::vector<double>> starts,
        const std::stop_token& stop)
      : options_(o), starts_(starts), stop_(stop), known_(std::isinf(p.m) || p.k == 1), seen_(expectation(p)) {
    if (std::isinf(p.m)) return;
    fresh_.emplace(p.target, static_cast<int>(p.m), o.fresh_key);
    fresh_->grow_to(std::min(o.max_samples, std::max(least_fresh, o.samples)));
    if (known_) return;
    training_.emplace(p.target, static_cast<int>(p.m), o.training_key);
    training_->grow_to(o.samples);
    seen_ = seen_.on(training_->draws());
  }

  judged_solution solve() {
    exact_solution found = select_exact(seen_, starts_, options_.descent, stop_);
    bool settled = measure_fresh(found.probabilities);
    while (training_) {
      const int needed = needed_draws();
      settled = settled && needed <= training_->count() && agrees(found.log_objective);
      if ((settled && !overtaken()) || training_->count() == options_.max_samples) break;
      training_->grow_to(more_draws(training_->count(), needed));
      if (fresh_->count() < training_->count()) fresh_->grow_to(training_->count());
      seen_ = seen_.on(training_->draws());
      found = descend_further(seen_, found, options_.descent, stop_);
      settled = measure_fresh(found.probabilities);
    }
    return chosen(found, known_ || settled);
  }

 private:
  // Where it is known; else the problem on Σ itself, whose draws are replaced.
  static exact_problem expectation(const judged_problem& p) {
    if (p.k == 1) return exact_problem::of_one_step(p.candidates, p.target.values(), p.m, p.n);
    return {p.candidates, std::span(&p.target.values(), 1), p.n, p.k};
  }

  // Whether the standard error on the fresh draws, of which there are made more, is small enough.
  bool measure_fresh(const std::vector<double>& probabilities) {
    if (!fresh_) return true;
    while (true) {
      throw_if_stopped(stop_);
      latest_ = statistics_of(probabilities);
      if (latest_->relative_error <= selection_accuracy) return true;
      if (fresh_->count() == options_.max_samples) return false;
      fresh_->grow_to(more_draws(fresh_->count(), needed_draws()));
    }
  }

  error_statistics statistics_of(const std::vector<double>& probabilities) const {
    return error_statistics(seen_.on(fresh_->draws()).log_errors(probabilities));
  }

  // So many make the standard error as small as is asked for, by what the fresh ones tell of their spread.
  int needed_draws() const {
    const double needed =
        latest_->relative_deviation_square(fresh_->count()) / (selection_accuracy * selection_accuracy);
    return needed < options_.max_samples ? static_cast<int>(std::ceil(needed)) : options_.max_samples;
  }

  int more_draws(int now, int needed) const {
    const auto capped = [&](std::int64_t count) { return std::min<std::int64_t>(count, options_.max_samples); };
    const std::int64_t least = std::int64_t{2} * now;
    return static_cast<int>(capped(std::clamp<std::int64_t>(needed, least, std::int64_t{most_at_once} * now)));
  }

  // Within the accuracy or two standard errors of the difference, the spread being that of the fresh draws: on its own
  // a descent has made it small.
  bool agrees(double log_training) const {
    const double error = latest_->relative_error;
    const double of_training = error * std::sqrt(1.0 * fresh_->count() / training_->count());
    const double gap = log_training == latest_->log_mean ? 0 : std::expm1(log_training - latest_->log_mean);
    return std::abs(gap) <= std::max(selection_accuracy, 2 * std::hypot(error, of_training));
  }

  // Whether a start is better than the latest point on fresh draws, and not by chance: what the descent has gained on
  // its own draws is worth nothing then.
  bool overtaken() {
    measure_starts();
    return std::any_of(of_starts_.begin(), of_starts_.end(),
                       [&](const error_statistics& s) { return excess(latest_->logs, s.logs) > 2; });
  }

  void measure_starts() {
    if (!of_starts_.empty() && static_cast<int>(of_starts_.front().logs.size()) == fresh_->count()) return;
    of_starts_.clear();
    for (const std::vector<double>& start : starts_) {
      throw_if_stopped(stop_);
      of_starts_.push_back(statistics_of(start));
    }
  }

  judgement judgement_of(const std::vector<double>& probabilities, const error_statistics* fresh,
                         double& log_objective) const {
    judgement out;
    log_objective = seen_.log_objective(probabilities);
    out.training = std::exp(log_objective);
    out.objective = out.median = out.training;
    if (fresh == nullptr) return out;
    out.median = std::exp(fresh->log_median);
    out.tail_share = fresh->tail_share;
    if (known_) return out;
    log_objective = fresh->log_mean;
    out.objective = std::exp(fresh->log_mean);
    out.standard_error = std::isinf(out.objective) ? infinity : fresh->relative_error * out.objective;
    return out;
  }

  judged_solution chosen(const exact_solution& found, bool settled) {
    judged_solution out{
        .probabilities = {}, .stationarity = found.stationarity, .descended = true, .value = {}, .starts = {}};
    out.samples = training_ ? training_->count() : 0;
    out.fresh_samples = fresh_ ? fresh_->count() : 0;
    out.settled = settled;
    double least = 0;
    if (fresh_) measure_starts();
    out.value = judgement_of(found.probabilities, fresh_ ? &*latest_ : nullptr, least);
    const std::vector<double>* best = &found.probabilities;
    for (std::size_t i = 0; i < starts_.size(); ++i) {
      throw_if_stopped(stop_);
      double log_objective = 0;
      out.starts.push_back(judgement_of(starts_[i], fresh_ ? &of_starts_[i] : nullptr, log_objective));
      if (!(log_objective < least)) continue;
      least = log_objective;
      best = &starts_[i];
      out.value = out.starts.back();
      out.descended = false;
    }
    out.probabilities = *best;
    return out;
  }

  const judged_options& options_;
  std::span<const std::vector<double>> starts_;
  const std::stop_token& stop_;
  bool known_;          // the expectation
  exact_problem seen_;  // by the descent
  std::optional<draw_set> training_, fresh_;
  std::optional<error_statistics> latest_;  // of the descent's last point
  std::vector<error_statistics> of_starts_;
};

}  // namespace

judged_solution select_judged(const judged_problem& problem, std::span<const std::vector<double>> starts,
                              const judged_options& options, const std::stop_token& stop) {
  expects(!starts.empty() && options.samples >= 1 && options.max_samples >= options.samples,
          "select_judged: {} starts, {} draws, at most {}", starts.size(), options.samples, options.max_samples);
  require_candidates(problem.candidates, problem.target.dimension());
  return judge(problem, options, starts, stop).solve();
}

}  // namespace cotscale
