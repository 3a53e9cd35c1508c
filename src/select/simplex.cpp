#include "simplex.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <utility>

#include "cotscale/base/stop.hpp"

namespace cotscale {
namespace {

constexpr double search_tolerance = 1e-12;  // of the relative slopes
constexpr std::size_t smallest_block = 16;  // points that may enter together
constexpr int steps_on_a_corral = 4;        // that are tried before rounding is blamed for what is left

double dot(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

const double* row(const matrix& a, int i) {
  return a.data() + static_cast<std::size_t>(i) * static_cast<std::size_t>(a.columns());
}

void normalise(std::vector<double>& probabilities) {
  const double sum = std::accumulate(probabilities.begin(), probabilities.end(), 0.0);
  for (double& value : probabilities) value /= sum;
}

}  // namespace

slope_measure::slope_measure(double norm_of_mixture, double norm_of_target, std::span<const double> probabilities,
                             std::span<const double> gradient)
    : multiplier(dot(probabilities, gradient)), mixture_norm(norm_of_mixture), target_norm(norm_of_target) {}

simplex_search::simplex_search(const simplex_programme& p)
    : programme_(p), corral_(p.gram, nearest_vertex(p)), in_corral_(p.norms.size()) {
  std::vector<double> vertex(p.norms.size());
  vertex[corral_.points().front()] = 1;
  in_corral_[corral_.points().front()] = true;
  current_ = state_at(std::move(vertex));
}

void simplex_search::run(const std::stop_token& stop) {
  const int limit = 100 * programme_.gram.rows() + 1000;  // against cycling by rounding; never seen
  int steps = 0;
  bool moved = true;
  for (; iterations_ < limit; ++iterations_) {
    throw_if_stopped(stop);
    if (steps < steps_on_a_corral && corral_gap() > search_tolerance) {
      const progress made = move();
      steps = made == progress::full_step ? steps + 1 : 0;
      moved = moved || made != progress::none;
    } else {
      const std::vector<int> entering = violators();
      if (entering.empty() || !moved) return;
      corral_.add(entering);
      for (const int w : corral_.points()) in_corral_[w] = true;
      steps = 0;
      moved = false;
    }
  }
}

// The ℓ with the least ‖P_ℓ − z‖².
int simplex_search::nearest_vertex(const simplex_programme& p) {
  int nearest = 0;
  const auto distance = [&](int l) { return p.gram(l, l) - 2 * p.linear[l]; };
  for (int l = 1; l < p.gram.rows(); ++l) {
    if (distance(l) < distance(nearest)) nearest = l;
  }
  return nearest;
}

// g = Hπ − t; ‖P‖² = πᵀHπ.
simplex_state simplex_search::state_at(std::vector<double> probabilities) const {
  simplex_state out{
      .probabilities = std::move(probabilities), .gradient = std::vector<double>(in_corral_.size()), .terms = {}};
  for (const int w : corral_.points()) {
    if (out.probabilities[w] == 0) continue;
    const double* h = row(programme_.gram, w);
    for (std::size_t l = 0; l < out.gradient.size(); ++l) out.gradient[l] += out.probabilities[w] * h[l];
  }
  const double mixture_norm = std::sqrt(std::max(0.0, dot(out.probabilities, out.gradient)));
  for (std::size_t l = 0; l < out.gradient.size(); ++l) out.gradient[l] -= programme_.linear[l];
  out.terms = {mixture_norm, programme_.target_norm, out.probabilities, out.gradient};
  return out;
}

double simplex_search::relative_gap(std::size_t l) const {
  return (current_.terms.multiplier - current_.gradient[l]) / current_.terms.scale(programme_.norms[l]);
}

double simplex_search::corral_gap() const {
  double worst = 0;
  for (const int w : corral_.points()) worst = std::max(worst, std::abs(relative_gap(w)));
  return worst;
}

// Those that the gradient wants in the corral, steepest first; as many as there are in it at most.
std::vector<int> simplex_search::violators() const {
  std::vector<std::pair<double, int>> found;
  for (int l = 0; l < programme_.gram.rows(); ++l) {
    if (in_corral_[l] || relative_gap(l) <= search_tolerance) continue;
    const double length = programme_.norms[l] + current_.terms.mixture_norm;
    found.emplace_back((current_.gradient[l] - current_.terms.multiplier) / length, l);
  }
  std::sort(found.begin(), found.end());
  found.resize(std::min(found.size(), std::max(smallest_block, corral_.points().size())));
  std::vector<int> out;
  for (const auto& [slope, l] : found) out.push_back(l);
  return out;
}

std::vector<double> simplex_search::step_on_corral(const simplex_state& s) const {
  std::vector<double> gradient;
  for (const int w : corral_.points()) gradient.push_back(s.gradient[w]);
  return corral_.newton_step(gradient);
}

// How far a step on the corral can go.
struct simplex_search::reach {
  double length = 1;       // of the step, 1 or less
  int blocking = -1;       // the point whose weight vanishes there; −1 if none does
  double slope = 0;        // of the objective along the step
  std::vector<int> stuck;  // positions of points that have no weight yet and would get a negative one
};

simplex_search::reach simplex_search::reach_of(std::span<const double> step) const {
  reach out;
  for (std::size_t i = 0; i < step.size(); ++i) {
    const int w = corral_.points()[i];
    const double weight = current_.probabilities[w];
    out.slope += current_.gradient[w] * step[i];
    if (weight == 0 && step[i] <= 0) out.stuck.push_back(static_cast<int>(i));
    if (weight > 0 && weight + out.length * step[i] <= 0) {
      out.length = -weight / step[i];
      out.blocking = w;
    }
  }
  return out;
}

// Towards the minimum on the affine hull of the corral. If that is outside of the convex hull: to the point where all
// negative weights are cut off, or to the boundary, whichever is lower; what has lost its weight leaves.
simplex_search::progress simplex_search::move() {
  const std::vector<double> step = step_on_corral(current_);
  const reach r = reach_of(step);
  if (!r.stuck.empty()) {
    leave(r.stuck);
    return progress::none;
  }
  simplex_state next = state_at(moved_by(step, 1));
  if (r.blocking >= 0 && change_to(next) > (r.length - 0.5 * r.length * r.length) * r.slope) {
    std::vector<double> boundary = moved_by(step, r.length);
    boundary[r.blocking] = 0;
    normalise(boundary);
    next = state_at(std::move(boundary));
  }
  current_ = std::move(next);
  if (r.blocking < 0) return progress::full_step;
  leave(weightless());
  return progress::partial_step;
}

std::vector<double> simplex_search::moved_by(std::span<const double> step, double length) const {
  std::vector<double> out = current_.probabilities;
  for (std::size_t i = 0; i < step.size(); ++i) {
    double& weight = out[corral_.points()[i]];
    weight = std::max(0.0, weight + length * step[i]);
  }
  normalise(out);
  return out;
}

// Of the objective, without cancellation.
double simplex_search::change_to(const simplex_state& other) const {
  double sum = 0;
  for (const int w : corral_.points()) {
    sum += 0.5 * (current_.gradient[w] + other.gradient[w]) * (other.probabilities[w] - current_.probabilities[w]);
  }
  return sum;
}

std::vector<int> simplex_search::weightless() const {
  std::vector<int> out;
  for (int i = 0; i < static_cast<int>(corral_.points().size()); ++i) {
    if (current_.probabilities[corral_.points()[i]] == 0) out.push_back(i);
  }
  return out;
}

void simplex_search::leave(std::span<const int> positions) {
  for (const int i : positions) in_corral_[corral_.points()[i]] = false;
  corral_.remove(positions);
}

std::vector<double> simplex_search::newton_step(const simplex_state& s) const {
  const std::vector<double> step = step_on_corral(s);
  std::vector<double> out(in_corral_.size());
  for (std::size_t i = 0; i < step.size(); ++i) out[corral_.points()[i]] = step[i];
  return out;
}

}  // namespace cotscale
