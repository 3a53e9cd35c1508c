// Least squares, of minimum norm where the examples do not determine w.
#include <algorithm>
#include <limits>

#include "common.hpp"
#include "cotscale/config/part_definition.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/linalg/lapack.hpp"
#include "cotscale/model/bidiagonal_chain.hpp"

namespace cotscale::detail {
namespace {

matrix factor_of_lane(const trapezoid_lanes& l, int lane) {
  matrix out(l.rows, l.columns);
  for (int i = 0; i < l.rows; ++i) {
    for (int j = 0; j < l.row_length(i); ++j) out(i, j) = l.packed(static_cast<int>(l.row(i)) + j, lane);
  }
  return out;
}

// L⁺, (r, d). What is left of directions that depend on others is rounding, and counts as none.
matrix inverse_factor(const matrix& l) {
  return pseudo_inverse(l, 4 * l.rows() * std::numeric_limits<double>::epsilon());
}

// rest −= Ŝ⁺ Xε/m = m (L⁺)ᵀ L⁺ Xε/m in one lane; with `project`, rest −= L L⁺ rest before.
void subtract_by_svd(const prompt_lanes& p, int lane, bool project, matrix& rest) {
  const matrix l = factor_of_lane(p.factor, lane), inverse = inverse_factor(l);
  const int d = l.rows();
  matrix column = rest.block(0, lane, d, 1);
  if (project) column = combination(1, column, -1, product(l, product(inverse, column)));
  if (p.has_noise()) {
    matrix fitted(d, 1);
    multiply(p.m, inverse, transpose::yes, product(inverse, p.noise.block(0, lane, d, 1)), transpose::no, 0, fitted);
    column = combination(1, column, -1, fitted);
  }
  for (int i = 0; i < d; ++i) rest(i, lane) = column(i, 0);
}

class run : public single_pass {
 public:
  explicit run(const baseline_setting& setting) : setting_(setting) {}
  void compute(const prompt_lanes& prompts, matrix& errors) const override {
    least_squares_errors(prompts, setting_, errors.data());
  }
  baseline_errors result() override { return {.errors = std::move(table_)}; }

 private:
  int wanted() const override { return 1; }
  baseline_setting setting_;
};

}  // namespace

// w − ŵ is what the examples do not span, less what is fitted to the noise: the projection of w onto them is known.
// Where features have a density they span no more than Σ does; and as much, with probability one, if there are as many.
// Others may repeat themselves, and how many directions they span is judged by singular values.
void least_squares_errors(const prompt_lanes& p, const baseline_setting& setting, double* errors) {
  if (p.is_bidiagonal()) {
    bidiagonal_least_squares(p.bidiagonal, errors);
    return;
  }
  matrix rest = p.w;
  const bool has_density = setting.test.features->has_density();
  if (has_density) project_out(p.factor, std::min(p.factor.columns, setting.test.lambda.rank()), rest);
  for (int lane = 0; lane < lane_count && (p.has_noise() || !has_density); ++lane) {
    subtract_by_svd(p, lane, !has_density, rest);
  }
  squared_norms(rest, errors);
}

}  // namespace cotscale::detail

namespace cotscale {
namespace baseline_parts {

struct least_squares : baseline {
  least_squares()
      : baseline{.name = "least_squares",
                 .help = "least squares, of minimum norm where the examples do not determine w",
                 .version = 1,
                 .needs_noise = false,
                 .start = [](const baseline_setting& s) -> std::unique_ptr<baseline_run> {
                   return std::make_unique<detail::run>(s);
                 }} {}
};

}  // namespace baseline_parts

template const baseline& config::part<baseline, baseline_parts::least_squares>();

}  // namespace cotscale
