#include "cotscale/experiment/verdict.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "cotscale/base/error.hpp"
#include "cotscale/experiment/models.hpp"
#include "cotscale/train/population.hpp"
#include "variables.hpp"

namespace cotscale {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

double finite_or_infinite(double x) { return std::isfinite(x) ? x : infinity; }

// The mean over prompts of value(e_k/e_0).
template<class Value>
double mean_ratio(std::span<const double> errors, std::span<const double> start, Value value) {
  double sum = 0;
  for (std::size_t i = 0; i < errors.size(); ++i) sum += value(finite_or_infinite(errors[i] / start[i]));
  return sum / static_cast<double>(errors.size());
}

// Trained against exact errors at k, on the same prompts. `largest` holds the largest exact error of each prompt up to
// k.
void score_pair(std::span<const double> trained, std::span<const double> exact, std::span<const double> largest,
                std::size_t k, error_scores& out) {
  const auto count = static_cast<double>(trained.size());
  double sum = 0, sizes = 0, scale = 0;
  for (std::size_t i = 0; i < trained.size(); ++i) {
    const bool both_diverged = !std::isfinite(trained[i]) && !std::isfinite(exact[i]);
    const double difference = both_diverged ? 0 : finite_or_infinite(trained[i]) - finite_or_infinite(exact[i]);
    sum += difference;
    sizes += std::abs(difference);
    if (std::isfinite(largest[i])) scale += largest[i];
  }
  const double mean = sum / count;
  double squares = 0;
  for (std::size_t i = 0; i < trained.size(); ++i) squares += std::pow(trained[i] - exact[i] - mean, 2);
  out.paired_difference[k] = mean;
  out.paired_stderr[k] = trained.size() > 1 ? std::sqrt(squares / (count - 1) / count) : nan;
  out.paired_distance[k] = finite_or_infinite(sizes / scale);
}

void score_pairs(error_table& errors, int steps, error_scores& out) {
  const auto exact = [&](int k) { return errors.row(steps + 1 + k); };
  std::vector<double> largest(exact(0).begin(), exact(0).end());
  for (int k = 1; k <= errors.rows - steps - 2; ++k) {
    const std::span<const double> now = exact(k);
    for (std::size_t i = 0; i < largest.size(); ++i) largest[i] = std::max(largest[i], now[i]);
    score_pair(errors.row(k), now, largest, static_cast<std::size_t>(k), out);
  }
}

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

// The scores of one variable, over (cells, m, k).
class score_table {
 public:
  score_table(std::span<const double> values, const coordinates& grid)
      : values_(values), m_(grid.m.size()), k_(values.size() / grid.cell_count() / grid.m.size()) {}
  std::size_t steps() const { return k_; }
  double operator()(const score_place& p) const { return p.k < k_ ? values_[(p.cell * m_ + p.m) * k_ + p.k] : nan; }

 private:
  std::span<const double> values_;
  std::size_t m_, k_;
};

decisions close(const std::vector<decision>& all) {
  constexpr double tail = 0.01;
  decisions out;
  for (const decision& d : all) d.close(out);
  out.expected = flag_level * static_cast<double>(out.made);
  out.limit = binomial_limit(out.made, flag_level, tail);
  return out;
}

std::size_t sets_of_prompts(const sweep_scores& scores) {
  return 1 + *std::max_element(scores.prompts_of_variant.begin(), scores.prompts_of_variant.end());
}

// What repeats draw their test prompts from.
std::size_t target_of(const sweep_scores& scores, const cell_position& at) {
  const std::size_t set = scores.prompts_of_variant.at(variant_at(*scores.grid, at));
  return set * scores.grid->hardness.size() + at[hardness_axis];
}

decisions judge_first(const sweep_scores& scores) {
  const coordinates& grid = *scores.grid;
  const score_table exact(scores.exact_z, grid), simulated(scores.simulated_z, grid);
  const std::size_t ms = grid.m.size();
  std::vector<decision> all(sets_of_prompts(scores) * grid.hardness.size() * grid.repeats.size() * ms);
  for (std::size_t cell = 0; cell < grid.cell_count(); ++cell) {
    if (scores.counts[cell] == 0) continue;
    const cell_position at = position_of(grid, cell);
    const std::size_t prompts = target_of(scores, at) * grid.repeats.size() + at.back();
    for (std::size_t m = 0; m < ms; ++m) {
      decision& d = all[prompts * ms + m];
      const score_place start{cell, m, 0}, first{cell, m, 1};
      d.add_start(exact(start), start);
      // Few prompts are many fewer than the simulation's draws, which repeats share.
      const double score = exact(first);
      d.add(std::isnan(score) ? simulated(first) : score, first);
    }
  }
  return close(all);
}

// The score of all repeats together. Those of the simulation share its draws.
double pooled(double sum, double repeats, const sweep_scores& scores, bool of_simulation) {
  if (!of_simulation) return sum / std::sqrt(repeats);
  const double prompts = scores.prompts, draws = scores.draws;
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
      const double score = scores.counts[at.cell + r] != 0 ? table({at.cell + r, at.m, at.k}) : nan;
      if (std::isnan(score)) continue;
      sum += score;
      ++count;
    }
    const bool of_simulation = &table == &simulated;
    if (count > (of_simulation ? 0 : 1)) d.add(pooled(sum, count, scores, of_simulation), at);
  };
  // Repeats of a cell follow each other, since theirs is the last axis of cells.
  for (std::size_t cell = 0; cell < grid.cell_count(); cell += repeats) {
    const std::size_t target = target_of(scores, position_of(grid, cell));
    for (std::size_t m = 0; m < ms; ++m) {
      decision& d = all[target * ms + m];
      add(exact, {cell, m, 1}, d);
      for (std::size_t k = 1; k < simulated.steps(); ++k) add(simulated, {cell, m, k}, d);
    }
  }
  return close(all);
}

trained_maps judge_maps(const sweep_scores& scores) {
  const coordinates& grid = *scores.grid;
  const score_table distances(scores.paired_distance, grid);
  trained_maps out;
  for (std::size_t cell = 0; cell < grid.cell_count(); ++cell) {
    const cell_position at = position_of(grid, cell);
    const double tolerance = scores.tolerances[variant_at(grid, at) * grid.models.size() + at[model_axis]];
    if (scores.counts[cell] == 0 || std::isnan(tolerance)) continue;
    double largest = nan;
    for (std::size_t m = 0; m < grid.m.size(); ++m) {
      for (std::size_t k = 1; k < distances.steps(); ++k) {
        const double ratio = distances({cell, m, k}) / allowed_distance(tolerance, static_cast<int>(k));
        if (std::isnan(ratio) || ratio <= largest) continue;
        largest = ratio;
        if (ratio > out.ratio) {
          out.ratio = ratio;
          out.where = {cell, m, k};
        }
      }
    }
    out.compared += std::isnan(largest) ? 0 : 1;
    out.differing += largest > 1 ? 1 : 0;
  }
  return out;
}

}  // namespace

error_scores score_errors(error_table& errors, int steps, int d, const null_distribution* null, double tolerance,
                          int degrees) {
  const std::vector<double> unknown(static_cast<std::size_t>(steps) + 1, nan);
  error_scores out{unknown, unknown, unknown, unknown, unknown};
  if (errors.rows == 0) return out;
  const std::span<const double> start = errors.row(0);
  double sum = 0;
  for (const double e : start) sum += e;
  out.exact_z[0] = start_score(sum / errors.prompts, d, errors.prompts, degrees);
  if (errors.rows > steps + 1) score_pairs(errors, steps, out);
  if (null == nullptr || steps == 0) return out;
  const std::vector<double> dimensions(null->relative ? 0 : start.size(), d);
  const std::span<const double> unit = null->relative ? start : std::span<const double>(dimensions);
  const double first = mean_ratio(errors.row(1), unit, [](double r) { return r; });
  out.exact_z[1] =
      exact_score(*null, first, errors.prompts, allowed_distance(tolerance, 1) * std::max(1.0, null->mean));
  // A map that may be far off moves the scores by more than chance does.
  constexpr double loose = 1e-4;
  if (tolerance > loose) return out;
  for (const null_distribution::step& step : null->steps) {
    const double score = mean_ratio(errors.row(step.k), unit, [&](double r) { return bounded_score(r, step.centre); });
    out.simulated_z[static_cast<std::size_t>(step.k)] = simulated_score(*null, step, score, errors.prompts);
  }
  return out;
}

std::span<const variable> detail::score_variables() {
  const std::vector<std::string> over{"m", "k"};
  using enum value_type;
  static const std::vector<variable> declared{
      {"exact_z", f64, over, "score of the mean error against its exact expectation, normal if all is right"},
      {"simulated_z", f64, over, "score of the errors against simulated ones, normal if all is right"},
      {"paired_difference", f64, over, "mean over test prompts of the error minus that of the exact map"},
      {"paired_stderr", f64, over, "standard error of paired_difference"},
      {"paired_distance", f64, over, "mean size of that difference, relative to the errors of the exact map"},
  };
  return declared;
}

void store_scores(const error_scores& scores, std::size_t m, cell_values& out) {
  const std::size_t first = m * scores.exact_z.size();
  out.write("exact_z", scores.exact_z, first);
  out.write("simulated_z", scores.simulated_z, first);
  out.write("paired_difference", scores.paired_difference, first);
  out.write("paired_stderr", scores.paired_stderr, first);
  out.write("paired_distance", scores.paired_distance, first);
}

// With A' = (1 + E) A, |E| ≤ τ in the directions of A, and u_k the exact chain, u'_k − u_k is −Σ_j B^{k−1−j} E (u_j −
// u_{j+1}) to first order, no longer than 2 k τ times the longest u_j where steps do not lengthen; errors are squares.
double allowed_distance(double tolerance, int k) {
  constexpr double rounding = 1e-8;
  return 4 * k * tolerance + rounding;
}

double map_tolerance(const model_specification& model) { return make_model(model)->map_tolerance(); }

bool decisions::alarming() const {
  constexpr double never = 1e-4;  // of a right sweep
  return flagged > limit || (made > 0 && smallest_p * static_cast<double>(made) < never);
}

sweep_scores scores_of(const specification& spec, const coordinates& grid) {
  sweep_scores out;
  out.grid = &grid;
  out.prompts = spec.prompts;
  out.draws = null_draws(spec.d, spec.prompts);
  out.prompts_of_variant.clear();
  std::vector<stream_key> seen;
  for (std::size_t v = 0; v < variant_count(spec); ++v) {
    const specification& own = variant_of(spec, v);
    const double hardness = grid.hardness.front();
    const stream_key key = test_prompt_key(own, std::isnan(hardness) ? 0 : hardness, 0, own.m.front());
    const auto known = std::find(seen.begin(), seen.end(), key);
    out.prompts_of_variant.push_back(static_cast<std::size_t>(known - seen.begin()));
    if (known == seen.end()) seen.push_back(key);
    for (const std::string& model : grid.models) out.tolerances.push_back(map_tolerance(own.model_tables.at(model)));
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
