#include "cotscale/train/lsa.hpp"

#include <cmath>
#include <limits>

#include "cotscale/base/error.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/model/lsa_chain.hpp"
#include "cotscale/train/learning.hpp"
#include "lsa_samples.hpp"

namespace cotscale {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

double distance(const lsa_parameters& parameters, const matrix& exact) {
  return frobenius_norm(combination(1, effective_preconditioner(parameters), -1, exact)) / frobenius_norm(exact);
}

void require_valid(const lsa_options& o, int d, const matrix& exact) {
  expects(o.c != 0 && o.steps >= 0 && o.batch >= 1 && o.initial_scale >= 0,
          "train_lsa: c = {}, steps = {}, batch = {}, initial_scale = {}", o.c, o.steps, o.batch, o.initial_scale);
  expects(exact.rows() == d && exact.columns() == d, "train_lsa: d = {}, A* ({}, {})", d, exact.rows(),
          exact.columns());
  if (o.initial != initial_weights::given) return;
  const int size = lsa_rows{d}.count();
  for (const matrix* given : {&o.given.v, &o.given.w}) {
    expects(given->rows() == size && given->columns() == size, "train_lsa: d = {}, given weights ({}, {})", d,
            given->rows(), given->columns());
  }
}

}  // namespace

matrix effective_preconditioner(const lsa_parameters& parameters) {
  const int d = parameters.dimension();
  const lsa_rows rows{d};
  const matrix v31 = parameters.v.block(rows.weight(), rows.feature(), d, d);
  return combination(parameters.w(rows.label(), rows.flag()), v31, 0, v31);
}

double off_slice_norm(const lsa_parameters& parameters) {
  const int d = parameters.dimension();
  const lsa_rows rows{d};
  const double scale = frobenius_norm(parameters.v.block(rows.weight(), rows.feature(), d, d));
  if (scale == 0) return 0;
  lsa_parameters rest = parameters;
  rest.v.set_block(rows.weight(), rows.feature(), matrix(d, d));
  rest.w.set_block(rows.feature(), rows.weight(), matrix(d, d));
  rest.w(rows.label(), rows.flag()) = 0;
  return std::hypot(frobenius_norm(rest.v), frobenius_norm(rest.w)) / scale;
}

lsa_training train_lsa(const task_mixture& tasks, int n, const lsa_options& options, stream_key key,
                       const matrix& exact_preconditioner, std::span<const std::int64_t> record_steps,
                       const std::stop_token& stop) {
  const int d = tasks.dimension();
  require_valid(options, d, exact_preconditioner);
  const blas_threads one(1);  // also in a lone shard, which runs outside of a parallel region
  detail::lsa_samples model(tasks, n, options, key);
  learner<double> learning(model, options, key, stop);
  training_state<double> state = learning.beginning();
  lsa_record out;
  for (auto* series : {&out.loss, &out.preconditioner_distance, &out.off_slice})
    series->assign(record_steps.size(), nan);
  const auto record = [&](std::size_t i, double loss) {
    out.loss[i] = loss;
    out.preconditioner_distance[i] = distance(model.model(), exact_preconditioner);
    out.off_slice[i] = off_slice_norm(model.model());
  };
  const loop_record done = learning.run(state, record_steps, record);
  out.diverged = learning.diverged(done, state);
  out.steps = done.steps;
  out.final_loss = done.final_loss;
  model.prepare(state.parameters);
  out.final_preconditioner_distance = distance(model.model(), exact_preconditioner);
  out.final_off_slice = off_slice_norm(model.model());
  const lsa_rows rows{d};
  out.w24 = model.model().w(rows.label(), rows.flag());
  out.initial_preconditioner = effective_preconditioner(model.initial_model());
  return {.model = model.model(), .record = std::move(out)};
}

}  // namespace cotscale
