#include "cotscale/experiment/verdict.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "cotscale/base/error.hpp"
#include "cotscale/experiment/stages.hpp"

namespace cotscale {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// One decision: the largest of several scores, whatever their dependence. (Bonferroni)
class decision {
 public:
  void add(double score, const score_place& where) {
    if (std::isnan(score)) return;
    ++scores_;
    if (scores_ > 1 && std::abs(score) <= std::abs(largest_)) return;
    largest_ = score;
    where_ = where;
  }
  // The start of the chain is the same for all cells that share prompts, and counts once.
  void add_start(double score, const score_place& where) {
    if (std::find(starts_.begin(), starts_.end(), score) != starts_.end()) return;
    starts_.push_back(score);
    add(score, where);
  }
  void close(decisions& out) const {
    if (scores_ == 0) return;
    ++out.made;
    const double p = std::min(1.0, static_cast<double>(scores_) * p_value(largest_));
    if (p < flag_level) ++out.flagged;
    if (p > out.smallest_p || (p == out.smallest_p && std::abs(largest_) <= std::abs(out.score))) return;
    out.smallest_p = p;
    out.score = largest_;
    out.where = where_;
  }

 private:
  std::size_t scores_ = 0;
  double largest_ = 0;
  score_place where_;
  std::vector<double> starts_;
};

// The scores of one variable, over (cells, stages, m, k).
class score_table {
 public:
  score_table(std::span<const double> values, const coordinates& grid)
      : values_(values),
        stages_(grid.stage_count()),
        m_(grid.m.size()),
        k_(values.size() / grid.cell_count() / stages_ / m_) {}
  std::size_t steps() const { return k_; }
  double operator()(const score_place& p) const {
    return p.k < k_ ? values_[((p.cell * stages_ + p.stage) * m_ + p.m) * k_ + p.k] : nan;
  }

 private:
  std::span<const double> values_;
  std::size_t stages_, m_, k_;
};

bool counts(const sweep_scores& scores, std::size_t cell, std::size_t stage) {
  return scores.counts[cell * scores.grid->stage_count() + stage] != 0;
}

decisions close(const std::vector<decision>& all) {
  constexpr double tail = 0.01;
  decisions out;
  for (const decision& d : all) d.close(out);
  out.expected = flag_level * static_cast<double>(out.made);
  out.limit = binomial_limit(out.made, flag_level, tail);
  return out;
}

std::size_t sets_of_prompts(const sweep_scores& scores) {
  const auto larger = [](const test_sample& a, const test_sample& b) { return a.set < b.set; };
  return 1 + std::max_element(scores.samples.begin(), scores.samples.end(), larger)->set;
}

const test_sample& sample_of(const sweep_scores& scores, std::size_t cell) {
  return scores.samples.at(variant_at(*scores.grid, position_of(*scores.grid, cell)));
}

// What repeats draw their test prompts from.
std::size_t target_of(const sweep_scores& scores, const cell_position& at) {
  const std::size_t set = scores.samples.at(variant_at(*scores.grid, at)).set;
  return set * scores.grid->hardness.size() + at[hardness_axis];
}

decisions judge_first(const sweep_scores& scores) {
  const coordinates& grid = *scores.grid;
  const score_table exact(scores.exact_z, grid), simulated(scores.simulated_z, grid);
  const std::size_t ms = grid.m.size();
  std::vector<decision> all(sets_of_prompts(scores) * grid.hardness.size() * grid.repeats.size() * ms);
  for (std::size_t row = 0; row < grid.cell_count() * grid.stage_count(); ++row) {
    const std::size_t cell = row / grid.stage_count(), stage = row % grid.stage_count();
    if (!counts(scores, cell, stage)) continue;
    const cell_position at = position_of(grid, cell);
    const std::size_t prompts = target_of(scores, at) * grid.repeats.size() + at.back();
    for (std::size_t m = 0; m < ms; ++m) {
      decision& d = all[prompts * ms + m];
      const score_place start{cell, stage, m, 0}, first{cell, stage, m, 1};
      d.add_start(exact(start), start);
      // Few prompts are many fewer than the simulation's draws, which repeats share.
      const double score = exact(first);
      d.add(std::isnan(score) ? simulated(first) : score, first);
    }
  }
  return close(all);
}

// The score of all repeats together. Those of the simulation share its draws.
double pooled(double sum, double repeats, const test_sample& sample, bool of_simulation) {
  if (!of_simulation) return sum / std::sqrt(repeats);
  const double prompts = sample.prompts, draws = sample.draws;
  return sum / repeats * std::sqrt((1 / prompts + 1 / draws) / (1 / (repeats * prompts) + 1 / draws));
}

decisions judge_repeated(const sweep_scores& scores) {
  const coordinates& grid = *scores.grid;
  const score_table exact(scores.exact_z, grid), simulated(scores.simulated_z, grid);
  const std::size_t ms = grid.m.size(), repeats = grid.repeats.size();
  std::vector<decision> all(sets_of_prompts(scores) * grid.hardness.size() * ms);
  const auto add = [&](const score_table& table, score_place at, decision& d) {
    double sum = 0, count = 0;
    for (std::size_t r = 0; r < repeats; ++r) {
      const score_place repeat{at.cell + r, at.stage, at.m, at.k};
      const double score = counts(scores, repeat.cell, at.stage) ? table(repeat) : nan;
      if (std::isnan(score)) continue;
      sum += score;
      ++count;
    }
    const bool of_simulation = &table == &simulated;
    if (count > (of_simulation ? 0 : 1)) d.add(pooled(sum, count, sample_of(scores, at.cell), of_simulation), at);
  };
  // Repeats of a cell follow each other, since theirs is the last axis of cells.
  for (std::size_t cell = 0; cell < grid.cell_count(); cell += repeats) {
    const std::size_t target = target_of(scores, position_of(grid, cell));
    for (std::size_t i = 0; i < grid.stage_count() * ms; ++i) {
      const std::size_t stage = i / ms, m = i % ms;
      decision& d = all[target * ms + m];
      add(exact, {cell, stage, m, 1}, d);
      for (std::size_t k = 1; k < simulated.steps(); ++k) add(simulated, {cell, stage, m, k}, d);
    }
  }
  return close(all);
}

trained_maps judge_maps(const sweep_scores& scores) {
  const coordinates& grid = *scores.grid;
  const score_table distances(scores.paired_distance, grid);
  trained_maps out;
  for (std::size_t row = 0; row < grid.cell_count() * grid.stage_count(); ++row) {
    const std::size_t cell = row / grid.stage_count(), stage = row % grid.stage_count();
    const cell_position at = position_of(grid, cell);
    const std::size_t model = variant_at(grid, at) * grid.models.size() + at[model_axis];
    const double tolerance = scores.tolerances[model * grid.stage_count() + stage];
    if (!counts(scores, cell, stage) || std::isnan(tolerance)) continue;
    double largest = nan;
    for (std::size_t m = 0; m < grid.m.size(); ++m) {
      for (std::size_t k = 1; k < distances.steps(); ++k) {
        const double ratio = distances({cell, stage, m, k}) / allowed_distance(tolerance, static_cast<int>(k));
        if (std::isnan(ratio) || ratio <= largest) continue;
        largest = ratio;
        if (ratio > out.ratio) {
          out.ratio = ratio;
          out.where = {cell, stage, m, k};
        }
      }
    }
    out.compared += std::isnan(largest) ? 0 : 1;
    out.differing += largest > 1 ? 1 : 0;
  }
  return out;
}

}  // namespace

bool decisions::alarming() const {
  constexpr double never = 1e-4;  // of a right sweep
  return flagged > limit || (made > 0 && smallest_p * static_cast<double>(made) < never);
}

sweep_scores scores_of(const specification& spec, const coordinates& grid) {
  sweep_scores out;
  out.grid = &grid;
  std::vector<stream_key> seen;
  for (std::size_t v = 0; v < variant_count(spec); ++v) {
    const specification& own = variant_of(spec, v);
    const double hardness = grid.hardness.front();
    const stream_key key = test_prompt_key(own, std::isnan(hardness) ? 0 : hardness, 0, own.m.front());
    const auto known = std::find(seen.begin(), seen.end(), key);
    out.samples.push_back({.set = static_cast<std::size_t>(known - seen.begin()),
                           .prompts = own.prompts,
                           .draws = null_draws(own.d, own.prompts)});
    if (known == seen.end()) seen.push_back(key);
    for (const std::string& model : grid.models) {
      const model_specification& table = own.model_tables.at(model);
      for (std::size_t s = 0; s < grid.stage_count(); ++s) {
        out.tolerances.push_back(s < stage_count(table) ? training_of(table, s).map_tolerance() : nan);
      }
    }
  }
  return out;
}

sweep_verdict judge(const sweep_scores& scores) {
  return {.first = judge_first(scores), .repeated = judge_repeated(scores), .maps = judge_maps(scores)};
}

double p_value(double score) { return std::erfc(std::abs(score) / std::sqrt(2.0)); }

std::size_t binomial_limit(std::size_t trials, double p, double tail) {
  expects(p > 0 && p < 1 && tail > 0 && tail < 1, "binomial_limit: p = {}, tail = {}", p, tail);
  const auto n = static_cast<double>(trials);
  const auto probability = [&](double j) {
    return std::exp(std::lgamma(n + 1) - std::lgamma(j + 1) - std::lgamma(n - j + 1) + j * std::log(p) +
                    (n - j) * std::log1p(-p));
  };
  // From far above the mean downwards, as long as the sum stays below the tail.
  const double mean = n * p;
  double j = std::min(n, std::ceil(mean + 12 * std::sqrt(mean) + 30)), above = 0;
  while (j > 0 && above + probability(j) <= tail * (1 + 1e-9)) above += probability(j--);
  return static_cast<std::size_t>(j);
}

}  // namespace cotscale
