#include "cotscale/experiment/directions.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "cotscale/base/error.hpp"
#include "cotscale/experiment/grid.hpp"
#include "cotscale/experiment/selection.hpp"
#include "cotscale/experiment/stages.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/linalg/lapack.hpp"
#include "cotscale/select/quadratic.hpp"

namespace cotscale::detail {
namespace {

bool needs_inverse(const std::string& mixture) { return mixture == "selected" || mixture == "exact"; }

void require_inverse(const covariance& target, const std::string& who) {
  try {
    require_invertible(target);
  } catch (const specification_error& e) {
    throw specification_error(fmt::format("target: {} needs its inverse, and {}", who, e.what()));
  }
}

// The eigenvectors of these eigenvalues, in columns.
matrix columns_of(const matrix& basis, const std::vector<int>& which) {
  matrix out(basis.rows(), static_cast<int>(which.size()));
  for (int j = 0; j < out.columns(); ++j) {
    for (int i = 0; i < out.rows(); ++i) out(i, j) = basis(i, which[static_cast<std::size_t>(j)]);
  }
  return out;
}

template<class Wanted>
matrix eigenvectors(const matrix& basis, std::span<const double> values, Wanted wanted) {
  std::vector<int> which;
  for (std::size_t j = 0; j < values.size(); ++j) {
    if (wanted(values[j])) which.push_back(static_cast<int>(j));
  }
  return columns_of(basis, which);
}

// An orthonormal basis, (d, r), of what all of these lack; the range of a sum of projectors does not depend on scales.
matrix common_null_space(const std::vector<covariance>& tasks) {
  const auto is_zero = [](double value) { return value == 0; };
  const covariance& first = tasks.front();
  if (tasks.size() == 1) return eigenvectors(first.basis(), first.eigenvalues(), is_zero);
  const int d = first.dimension();
  matrix projectors(d, d);
  for (const covariance& task : tasks) {
    if (task.rank() == d) return {d, 0};
    const matrix range = eigenvectors(task.basis(), task.eigenvalues(), [](double value) { return value > 0; });
    multiply(1, range, transpose::no, range, transpose::yes, 1, projectors);
  }
  constexpr double rounding = 1e-9;
  const eigen_decomposition e = symmetric_eigen(projectors);
  return eigenvectors(e.vectors, e.values, [&](double value) { return value < rounding; });
}

// How many directions of the target are in the span of these columns, which tasks lack.
int untouched(const matrix& lacking, const covariance& target) {
  matrix along(lacking.columns(), lacking.columns());
  multiply(1, lacking, transpose::yes, product(target.values(), lacking), transpose::no, 0, along);
  const double rounding = 1e-12 * target.dimension() * target.largest_eigenvalue();
  const std::vector<double> values = symmetric_eigenvalues(along);
  return static_cast<int>(std::count_if(values.begin(), values.end(), [&](double value) { return value > rounding; }));
}

// What a prompt of the mixture may be of; all candidates where their probabilities are to be found.
std::vector<covariance> tasks_of(const specification& spec, const std::string& mixture, const covariance& target) {
  if (!depends_on_candidates(spec, mixture)) return {mixture_covariance(spec, mixture, target)};
  const std::shared_ptr<const candidate_tasks> candidates = make_candidates(spec, 0);
  if (needs_inverse(mixture)) return candidates->tasks;
  const std::vector<double> shares = candidate_probabilities(spec, mixture, *candidates, target, 0, 1, {});
  std::vector<covariance> out;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    if (shares[i] > 0) out.push_back(candidates->tasks[i]);
  }
  return out;
}

// Whether what prompts of the mixture may be of differs between targets.
bool follows_target(const specification& spec, const std::string& mixture) {
  if (depends_on_candidates(spec, mixture)) return mixture == "relevant";
  const auto table = spec.mixture_tables.find(mixture);
  return table != spec.mixture_tables.end() && !has_own_covariance(table->second.task);
}

// How many directions of a target the mixture lacks, and the target's rank, at the first hardness where it lacks any.
std::optional<std::pair<int, int>> first_untouched(const specification& spec, const std::string& mixture) {
  const std::vector<double> hardness = has_own_covariance(spec.target) ? std::vector<double>{0} : spec.hardness;
  std::optional<matrix> lacking;
  for (const double h : hardness) {
    const covariance target = target_covariance(spec, h);
    if (!lacking || follows_target(spec, mixture)) lacking = common_null_space(tasks_of(spec, mixture, target));
    const int count = lacking->columns() == 0 ? 0 : untouched(*lacking, target);
    if (count > 0) return std::pair(count, target.rank());
    if (lacking->columns() == 0 && !follows_target(spec, mixture)) break;
  }
  return std::nullopt;
}

}  // namespace

void require_inverses(const specification& spec, const coordinates& grid) {
  const std::vector<std::string> mixtures = all_mixtures(spec);
  const auto mixture = std::find_if(mixtures.begin(), mixtures.end(), needs_inverse);
  if (mixture == mixtures.end()) return;
  for (const double hardness : grid.hardness) {
    require_inverse(target_covariance(spec, hardness), "mixture " + *mixture);
  }
}

void require_selection_target(const specification& spec) {
  require_inverse(target_covariance(spec, spec.hardness.empty() ? 0 : spec.hardness.front()), "the choice among tasks");
}

std::vector<std::string> untouched_directions(const specification& spec) {
  std::vector<std::string> out;
  std::set<std::string> said;
  std::set<std::pair<std::string, std::vector<std::size_t>>> known;
  for (std::size_t i = 0; i < variant_count(spec); ++i) {
    const specification& own = variant_of(spec, i);
    for (const std::string& mixture : own.mixtures) {  // what a stage alone leaves out, others may touch
      if (mixture == matched_mixture || mixture == isotropic_mixture || said.contains(mixture)) continue;
      if (!known.emplace(mixture, axis_indices(spec, i, mixture)).second) continue;
      const auto found = first_untouched(own, mixture);
      if (!found) continue;
      said.insert(mixture);
      out.push_back(
          fmt::format("mixture {}{}: its prompts have no examples along {} of the {} directions of the target, so that "
                      "nothing is learned of them and no chain finds the weight there",
                      mixture, own.mixture_tables.contains(mixture) ? fmt::format(" ([mixtures.{}])", mixture) : "",
                      found->first, found->second));
    }
  }
  return out;
}

}  // namespace cotscale::detail
