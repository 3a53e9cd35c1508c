// cotscale theory.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "advice.hpp"
#include "commands.hpp"
#include "cotscale/base/output.hpp"
#include "cotscale/base/parallel.hpp"
#include "cotscale/base/patience.hpp"
#include "cotscale/base/stopwatch.hpp"
#include "cotscale/experiment/cell.hpp"
#include "cotscale/experiment/stages.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/run/requirements.hpp"
#include "cotscale/run/resources.hpp"

namespace cotscale::app {
namespace {

bool is_drawn(const specification& spec) { return spec.tasks.source == tasks_specification::kind::generated; }

std::string theory_csv_header() {
  return "mixture,hardness,n,repeat,m,k,predicted_error,predicted_stderr,difference_stderr,best_k,best_k_first,"
         "best_k_last,draws,diverging_share\n";
}

std::string theory_csv(const specification& spec, const cell& c, std::int64_t m, const chain_prediction& p) {
  std::string text;
  for (int k = 0; k <= spec.steps; ++k) {
    const auto i = static_cast<std::size_t>(k);
    text += fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{},{}\n", c.mixture,
                        c.hardness > 0 ? fmt::to_string(c.hardness) : "nan", c.n, c.repeat, m, k, p.error[i],
                        p.standard_error[i], p.difference_error[i], p.best_k, p.first_k, p.last_k, p.draws,
                        p.diverging_share);
  }
  return text;
}

// k = 0, 1, the middle and the last.
std::vector<int> shown_steps(int steps) {
  std::set<int> shown{0, std::min(1, steps), steps / 2, steps};
  return {shown.begin(), shown.end()};
}

std::string theory_table_header(const specification& spec) {
  std::string text = fmt::format("{:<12}{:>10}{:>7}{:>7}{:>8}{:>9}{:>8}{:>11}{:>8}{:>8}", "mixture", "hardness", "n",
                                 "repeat", "m", "radius", "draws", "diverging", "edge", "best k");
  for (const int k : shown_steps(spec.steps)) text += fmt::format("{:>19}", fmt::format("k = {}", k));
  return text + fmt::format("{:>19}\n", "best");
}

// The Marchenko-Pastur radius where Σ = Λ ∝ I, else nothing.
std::string edge(const specification& spec, const cell& c, std::int64_t m, const cell_theory& known) {
  const covariance target = target_covariance(spec, c.hardness).scaled(-known.units.target);
  const double size = target.largest_eigenvalue();
  const double gamma = 1 + (spec.d + 1.0) / static_cast<double>(c.n);
  const matrix identity = matrix::identity(target.values().rows());
  const double gap = frobenius_norm(combination(gamma * size, known.preconditioner, -1, identity)) +
                     frobenius_norm(combination(1 / size, target.values(), -1, identity));
  if (!(gap <= 1e-9)) return "-";
  return fmt::format("{:.3f}", marchenko_pastur_radius(spec.d, static_cast<int>(c.n), spec.d / static_cast<double>(m)));
}

std::string theory_row(const specification& spec, const cell& c, std::int64_t m, const cell_theory& known,
                       const chain_prediction& p) {
  std::string text = fmt::format("{:<12}{:>10}{:>7}{:>7}{:>8}{:>9.3f}{:>8}{:>9.3g} %{:>8}{:>8}", c.mixture,
                                 hardness_in_words(c.hardness), c.n, c.repeat, m, known.spectral_radius, p.draws,
                                 100 * p.diverging_share, edge(spec, c, m, known), shown_best_k(p));
  for (const int k : shown_steps(spec.steps)) text += fmt::format("{:>19}", shown_error(p, k));
  return text + fmt::format("{:>19}\n", shown_error(p, p.best_k));
}

std::string theory_exception(const specification& spec) {
  const bool unknown = std::any_of(spec.model_tables.begin(), spec.model_tables.end(),
                                   [](const auto& table) { return !table.second.architecture->has_theory(); });
  return unknown ? "All of this is for linear self-attention; nothing is predicted for the other models\n" : "";
}

std::string theory_legend(const specification& spec) {
  const feature_distribution& features = *spec.target.features;
  const std::string drawn =
      features.is_gaussian() ? "Wishart draws" : fmt::format("prompts with features = \"{}\"", features.word());
  return fmt::format(
      "errors: expected |w_k - w|^2, mean of so many {}, not divided by d; best: the least, and its standard error\n"
      "draws: {} at first, then twice as many until one k is better than all others by 4 standard errors of paired "
      "differences, at most {}\n"
      "best k: a range where draws do not tell these k apart; ≥ where longer chains than k = {} might be better\n"
      "radius: largest |eigenvalue| of I - Gamma^-1 Sigma (m to infinity); above 1 longer chains diverge\n"
      "diverging: share of draws for which that of I - Gamma^-1 S is above 1\n"
      "edge: the same by the Marchenko-Pastur law, where target and training are isotropic\n",
      drawn, spec.theory_draws, spec.theory_most_draws, spec.steps);
}

// A sentence for every row where they are few, else a summary.
class advised_rows {
 public:
  explicit advised_rows(std::size_t rows) : rows_(rows) {}

  void add(const cell& c, std::int64_t m, const chain_prediction& p) {
    constexpr std::size_t few = 8;
    counts_.add(p);
    if (rows_ > few) return;
    const std::string where = rows_ == 1 ? ""
                                         : fmt::format("{}, hardness {}, n {}, repeat {}, m {}: ", c.mixture,
                                                       hardness_in_words(c.hardness), c.n, c.repeat, m);
    sentences_ += where + advice(p) + "\n";
  }
  std::string text() const { return sentences_.empty() ? counts_.text() + "\n" : sentences_; }

 private:
  std::size_t rows_;
  std::string sentences_;
  advice_counts counts_;
};

// Where the prediction of a mixture stands that this cell asks for: at the first value of all that makes no difference
// to it, with given candidates of repeats too.
cell_position place_of(const specification& spec, const cell& c, const std::string& mixture) {
  cell_position place = c.position;
  place[mixture_axis] = 0;
  const std::vector<std::size_t> at = axis_indices(spec, c.variant, mixture);
  std::copy(at.begin(), at.end(), place.begin() + first_further_axis);
  const specification& own = variant_of(spec, c.variant);
  if (!(depends_on_candidates(own, mixture) && is_drawn(own))) place.back() = 0;
  return place;
}

// Every prediction once. Mixtures that only stages are trained on have cells like the first of the sweep.
std::vector<cell> predicted_cells(const specification& spec, const coordinates& grid) {
  std::vector<cell> cells;
  std::set<std::pair<std::string, cell_position>> known;
  const std::size_t places = grid.cell_count() / grid.models.size();  // those of the first model
  for (std::size_t number = 0; number < places; ++number) {
    const cell c = make_cell(grid, number);
    const specification& own = variant_of(spec, c.variant);
    std::vector<std::string> mixtures{c.mixture};
    if (c.position[mixture_axis] == 0) {
      const std::vector<std::string> all = all_mixtures(own);
      mixtures.insert(mixtures.end(), all.begin() + static_cast<std::ptrdiff_t>(own.mixtures.size()), all.end());
    }
    for (std::string& mixture : mixtures) {
      if (!known.emplace(mixture, place_of(spec, c, mixture)).second) continue;
      cells.push_back(c);
      cells.back().mixture = std::move(mixture);
    }
  }
  return cells;
}

// Its mixture tells the values of varied keys, but for those of models, which make no difference here.
cell with_values_in_name(const specification& spec, cell c) {
  const std::vector<std::size_t> at = axis_indices(spec, c.variant);
  for (std::size_t i = 0; i < at.size(); ++i) {
    const varied_key& key = spec.axes[i];
    if (key.model.empty()) c.mixture += fmt::format("; {} {}", key.name, key.values[at[i]]);
  }
  return c;
}

// Says of an error which mixture it is of.
template<class Compute>
auto naming_mixture(const cell& c, Compute compute) {
  try {
    return compute();
  } catch (const error& e) {
    throw error(e.code(), fmt::format("mixture {} (hardness {}, n {}, repeat {}): {}", c.mixture,
                                      hardness_in_words(c.hardness), c.n, c.repeat, e.what()));
  }
}

// What is wrong with a mixture shows before anything is printed. Of mixtures that are made of candidates, which may
// take long to find, one of each hardness is made.
void require_mixtures(const specification& spec, cell_computer& computer, const std::vector<cell>& cells) {
  for (const cell& c : cells) {
    const bool first = c.position[n_axis] == 0 && c.position.back() == 0;
    if (first || !depends_on_candidates(spec, c.mixture)) naming_mixture(c, [&] { return computer.optimum(c, {}); });
  }
}

}  // namespace

exit_code theory(const theory_arguments& arguments) {
  require_openmp_blas();
  require_one_process("theory");
  use_own_cores();
  require_blas_buffers(thread_count());
  const specification spec = load_specification(arguments.specification, parse_overrides(arguments.overrides));
  if (spec.theory_draws == 0) {
    throw specification_error(fmt::format("{}: theory.draws is 0, so that nothing can be predicted; set it to 100, say",
                                          arguments.specification));
  }
  const coordinates grid = [&] {
    const patience sign_of_life("theory: preparing");
    coordinates axes = require_grid(spec);
    require_runnable(spec, axes, thread_count());
    return axes;
  }();
  cell_computer computer(spec, grid);
  const stopwatch watch;
  std::function<bool()> out_of_time;
  if (arguments.max_time) out_of_time = [&] { return watch.seconds() > arguments.max_time->count(); };
  computer.predict_alone(out_of_time);
  const blas_threads one(1);
  const std::vector<cell> cells = predicted_cells(spec, grid);
  require_mixtures(spec, computer, cells);
  print("{}", arguments.csv ? theory_csv_header() : theory_table_header(spec));
  advised_rows advised(grid.m.size() * cells.size());
  bool cut_short = false;
  for (const cell& c : cells) {
    const patience sign_of_life(fmt::format("theory: {}", describe(c)));
    const std::shared_ptr<const cell_theory> known = naming_mixture(c, [&] { return computer.theory(c, {}); });
    for (std::size_t m = 0; m < grid.m.size(); ++m) {
      const chain_prediction& p = known->predictions[m];
      const specification& own = variant_of(spec, c.variant);
      const cell named = with_values_in_name(spec, c);
      print("{}", arguments.csv ? theory_csv(own, named, grid.m[m], p) : theory_row(own, named, grid.m[m], *known, p));
      advised.add(named, grid.m[m], p);
      cut_short = cut_short || p.out_of_time;
    }
    flush_output();
  }
  if (!arguments.csv) print("{}{}\n{}", theory_legend(spec), theory_exception(spec), advised.text());
  if (cut_short) {
    warn(
        "--max-time was over after {:.1f} s: some rows have fewer draws than theory.most_draws = {} allow, and another "
        "time may have others",
        watch.seconds(), spec.theory_most_draws);
  }
  return exit_code::done;
}

}  // namespace cotscale::app
