#include "advice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "cotscale/base/paired.hpp"

namespace cotscale::app {
namespace {

int longest(const chain_prediction& p) { return static_cast<int>(p.error.size()) - 1; }

std::string counted(int steps) { return fmt::format("{} step{}", steps, steps == 1 ? "" : "s"); }

// Divergence that few draws show, and that rules the error of the longest chain.
bool is_ruled_by_few(const chain_prediction& p) {
  constexpr double few = 0.1, much = 0.5;
  return p.diverging_share > 0 && p.diverging_share < few && p.diverging_part.back() > much;
}

std::string where_to_stop(const chain_prediction& p) {
  const int last = longest(p);
  if (last == 0) return "There is no chain to stop: test.k is 0";
  if (p.first_k == 0 && p.last_k == last) {
    return fmt::format("Where to stop is not known: any k from 0 to {} may be the best", last);
  }
  if (p.last_k == last) {
    return p.first_k == last
               ? fmt::format(
                     "Longer chains still help at k = {}: take {} or more, and raise test.k to see where to stop", last,
                     counted(last))
               : fmt::format(
                     "Stop after {} at the earliest: up to k = {} nothing is known to be better or worse than k = {}",
                     counted(p.first_k), last, p.best_k);
  }
  if (!p.settled()) return fmt::format("Stop after {} to {}", p.first_k, counted(p.last_k));
  if (p.best_k == 0) return "Take no step: the estimate 0 is better than any chain";
  return fmt::format("Stop after {}", counted(p.best_k));
}

// How many draws it would take, if the standard error falls as it should.
std::string needed_draws(const chain_prediction& p) {
  if (p.rival_z < 1) return "many more";
  const double needed = p.draws * std::pow(told_apart(p.draws) / p.rival_z, 2);
  const double digit = std::pow(10, std::floor(std::log10(needed)));
  return fmt::format("some {:.0f}", std::ceil(needed / digit) * digit);
}

std::string why_not_settled(const chain_prediction& p) {
  const bool apart = p.rival_z >= told_apart(p.draws);
  const std::string what = apart ? fmt::format("{} draws are too few to show how often chains diverge", p.draws)
                                 : fmt::format("{} draws do not tell k = {} from k = {}", p.draws,
                                               std::min(p.rival_k, p.best_k), std::max(p.rival_k, p.best_k));
  if (p.out_of_time) return fmt::format(" ({}, when the time was up)", what);
  return fmt::format(" ({}; {} might: theory.most_draws)", what, apart ? "more" : needed_draws(p));
}

std::string tail(const chain_prediction& p) {
  if (p.diverging_share == 0) return fmt::format("None of {} draws diverges.", p.draws);
  if (!is_ruled_by_few(p)) return fmt::format("{:.2g} % of the draws diverge.", 100 * p.diverging_share);
  const auto ruled = std::find_if(p.diverging_part.begin(), p.diverging_part.end(), [](double x) { return x > 0.5; });
  return fmt::format(
      "1 draw in {:.0f} diverges, and these make more than half of the error from k = {} on: {} at k = {}.",
      1 / p.diverging_share, ruled - p.diverging_part.begin(), shown_error(p, longest(p)), longest(p));
}

}  // namespace

std::string shown_error(const chain_prediction& p, int k) {
  const auto i = static_cast<std::size_t>(k);
  return fmt::format("{:.3g} ± {:.1g}", p.error[i], p.standard_error[i]);
}

std::string shown_best_k(const chain_prediction& p) {
  if (p.last_k == longest(p) && p.last_k > 0) return fmt::format("≥ {}", p.first_k);
  return p.settled() ? fmt::format("{}", p.best_k) : fmt::format("{}-{}", p.first_k, p.last_k);
}

std::string advice(const chain_prediction& p) {
  return fmt::format("{}{}; the expected error at k = {} is {}. {}", where_to_stop(p),
                     p.settled() ? "" : why_not_settled(p), p.best_k, shown_error(p, p.best_k), tail(p));
}

void advice_counts::add(const chain_prediction& p) {
  ++rows_;
  if (!p.settled()) {
    ++undecided_;
  } else if (p.best_k == longest(p) && p.best_k > 0) {
    ++too_short_;
  } else {
    ++settled_;
  }
  rare_ += is_ruled_by_few(p) ? 1 : 0;
}

std::string advice_counts::text() const {
  std::string text =
      fmt::format("Stop after the steps in the column \"best k\": it is settled in {} of {} rows.", settled_, rows_);
  if (too_short_ > 0) {
    text += fmt::format(" In {} longer chains still help at the longest k: raise test.k.", too_short_);
  }
  if (undecided_ > 0) {
    text += fmt::format(" In {} it is a range that the draws do not narrow down: raise theory.most_draws.", undecided_);
  }
  if (rare_ > 0) {
    text += fmt::format(" In {} fewer than 1 draw in 10 diverges and rules the error of the longest chain.", rare_);
  }
  return text;
}

}  // namespace cotscale::app
