// What all training from sampled prompts shares.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <stop_token>

#include "cotscale/base/random.hpp"
#include "cotscale/base/stop.hpp"
#include "cotscale/train/objective.hpp"
#include "divergence.hpp"

namespace cotscale::detail {

inline stream_key derived_key(const char* purpose, stream_key key) {
  return key_builder(purpose).add(key.low).add(key.high).key();
}

/// Steps of the chain in batch t of the training that `key` is of.
class chain_lengths {
 public:
  chain_lengths(const objective_options& options, stream_key key)
      : options_(options), key_(derived_key("roll-out lengths", key)) {}

  int at(std::int64_t t) const {
    if (options_.kind == objective::direct) return 1;
    if (options_.kind != objective::rollout) return options_.k_train;
    double u = 0;
    fill_uniform(key_, static_cast<std::uint64_t>(t), std::span(&u, 1));
    return std::min(options_.k_train, 1 + static_cast<int>(u * options_.k_train));
  }

 private:
  const objective_options& options_;
  stream_key key_;
};

template<class T>
bool is_finite(std::span<const T> values) {
  return std::all_of(values.begin(), values.end(), [](T x) { return std::isfinite(x); });
}

struct loop_record {
  bool finite = false;     ///< took all its steps, and every loss and parameter was finite
  std::int64_t steps = 0;  ///< updates made
  double final_loss = 0;   ///< mean over the batches of the last twentieth of the steps, NaN if not finite
};

/// Whether a training that took so many steps has diverged: by its loop, or by losses(initial), those of prompts of the
/// batches after the last, for the initial weights or those at the end.
template<class Losses>
bool judge(const loop_record& done, const Losses& losses) {
  if (!done.finite) return true;
  return has_diverged(losses(false), [&] { return losses(true); });
}

/// Repeats `loss(t)`, of batch t, and `update(t)`, with the gradient of it, until all steps are made or a loss is not
/// finite. Between the two, at the requested steps (ascending, ≤ steps), calls `record(i, loss)` for the i-th of them;
/// for the one after the last update there is a loss but no update. `finite()` tells of the parameters.
template<class Training, class Record>
loop_record repeat_updates(Training& training, std::int64_t steps, std::span<const std::int64_t> record_steps,
                           const Record& record, const std::stop_token& stop) {
  const std::int64_t averaged = std::max<std::int64_t>(1, steps / 20);
  loop_record out;
  std::size_t next = 0;
  bool finite = true;
  for (std::int64_t t = 0;; ++t) {
    throw_if_stopped(stop);
    const bool recorded = next < record_steps.size() && record_steps[next] == t;
    if (t == steps && !recorded) break;
    const double loss = training.loss(t);
    if (recorded) record(next++, loss);
    finite = std::isfinite(loss);
    if (t == steps || !finite) break;
    if (t >= steps - averaged) out.final_loss += loss / static_cast<double>(averaged);
    training.update(t);
    ++out.steps;
  }
  out.finite = finite && training.finite();
  if (!out.finite || steps == 0) out.final_loss = std::numeric_limits<double>::quiet_NaN();
  return out;
}

}  // namespace cotscale::detail
