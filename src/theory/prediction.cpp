#include "cotscale/theory/prediction.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "cotscale/base/error.hpp"
#include "cotscale/base/parallel.hpp"
#include "cotscale/base/stop.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/linalg/lapack.hpp"
#include "cotscale/task/wishart.hpp"

namespace cotscale {
namespace {

constexpr double above_one = 1 + 1e-9;  // directions that are never seen have the eigenvalue 1, up to rounding

matrix step_matrix(const matrix& preconditioner, const matrix& gram) {
  return combination(1, matrix::identity(gram.rows()), -1, product(preconditioner, gram));
}

// Row `draw` of `errors`: ‖B^k‖_F² for k = 0, 1, …
void fill_powers(const matrix& step, int draw, matrix& errors) {
  matrix power = matrix::identity(step.rows());
  matrix next = power;
  for (int k = 0; k < errors.columns(); ++k) {
    const double norm = frobenius_norm(power);
    errors(draw, k) = std::isfinite(norm) ? norm * norm : std::numeric_limits<double>::infinity();
    if (k + 1 == errors.columns()) break;
    multiply(1, step, transpose::no, power, transpose::no, 0, next);
    std::swap(power, next);
  }
}

}  // namespace

chain_prediction predict_chain(const matrix& preconditioner, const covariance& sigma, int m, int steps, int draws,
                               stream_key key, const std::stop_token& stop) {
  expects(steps >= 0 && draws >= 1, "predict_chain: steps = {}, draws = {}", steps, draws);
  const blas_threads one(1);
  const wishart_source source(task_mixture(sigma), m, key);
  matrix errors(draws, steps + 1);
  std::vector<char> diverges(static_cast<std::size_t>(draws));
  parallel_for((draws + lane_count - 1) / lane_count, [&](int block) {
    prompt_lanes p;
    source.draw(static_cast<std::uint64_t>(block), p);
    for (int lane = 0; lane < std::min(lane_count, draws - block * lane_count); ++lane) {
      throw_if_stopped(stop);
      const int draw = block * lane_count + lane;
      const matrix step = step_matrix(preconditioner, gram_of_lane(1.0 / m, p.factor, lane));
      fill_powers(step, draw, errors);
      diverges[static_cast<std::size_t>(draw)] = spectral_radius(step) > above_one ? 1 : 0;
    }
  });
  chain_prediction out;
  for (int k = 0; k <= steps; ++k) {
    double sum = 0, squares = 0;
    for (int i = 0; i < draws; ++i) sum += errors(i, k);
    const double mean = sum / draws;
    for (int i = 0; i < draws; ++i) squares += (errors(i, k) - mean) * (errors(i, k) - mean);
    out.error.push_back(mean);
    out.standard_error.push_back(std::isfinite(mean) ? std::sqrt(squares / draws / std::max(1, draws - 1)) : mean);
  }
  out.best_k = static_cast<int>(std::min_element(out.error.begin(), out.error.end()) - out.error.begin());
  out.diverging_share = static_cast<double>(std::count(diverges.begin(), diverges.end(), 1)) / draws;
  return out;
}

double limit_spectral_radius(const matrix& preconditioner, const covariance& sigma) {
  return spectral_radius(step_matrix(preconditioner, sigma.values()));
}

double marchenko_pastur_radius(int d, int n, double ratio) {
  expects(d >= 1 && n >= 1 && ratio >= 0, "marchenko_pastur_radius: d = {}, n = {}, ratio = {}", d, n, ratio);
  const double gamma = 1 + (d + 1.0) / n;
  const auto distance = [&](double eigenvalue) { return std::abs(1 - eigenvalue / gamma); };
  const double root = std::sqrt(ratio);
  const double edges = std::max(distance((1 + root) * (1 + root)), distance((1 - root) * (1 - root)));
  return ratio > 1 ? std::max(edges, 1.0) : edges;
}

}  // namespace cotscale
