#include "worker.hpp"

#include <algorithm>
#include <new>
#include <optional>
#include <span>
#include <utility>

#include "cotscale/base/error.hpp"
#include "cotscale/base/output.hpp"
#include "cotscale/base/stop.hpp"
#include "cotscale/base/stopwatch.hpp"

namespace cotscale::detail {
namespace {

using seconds = std::chrono::duration<double>;

// The first stage whose training diverged.
std::optional<std::size_t> diverged_stage(const cell_values& result) {
  const std::span<const std::int8_t> diverged = result.of<std::int8_t>("training_diverged");
  const auto found = std::find(diverged.begin(), diverged.end(), std::int8_t{1});
  return found == diverged.end() ? std::nullopt : std::optional(static_cast<std::size_t>(found - diverged.begin()));
}

}  // namespace

void worker::run() {
  bool stopped_early = false;
  while (!stopped_early) {
    const std::optional<std::int64_t> ticket = tickets_.take(finished_);
    if (!ticket) break;
    const chunk& portion = list_.chunks.at(static_cast<std::size_t>(*ticket));
    // Asked for now, the next chunk is here when this one ends; not when this one is long, lest it wait here while
    // others idle.
    constexpr double ask_ahead_below = 0.2;
    if (portion.seconds < ask_ahead_below) tickets_.request(finished_);
    stopped_early = !run_chunk(portion);
  }
  tickets_.leave(finished_);
  flush();
  time_.waiting = tickets_.seconds_waited();
}

bool worker::run_chunk(const chunk& portion) {
  for (std::size_t i = portion.first; i < portion.first + portion.count; ++i) {
    const task_item& item = list_.items[i];
    if (stop_.ending()) return false;
    if (!stop_.has_time_for(seconds(item.seconds * slowness()))) {
      ++passed_over_;
      continue;
    }
    if (!run_cell(item)) return false;
    flush_if_due(i + 1 < list_.items.size() ? list_.items[i + 1].seconds * slowness() : 0);
  }
  return true;
}

bool worker::run_cell(const task_item& item) {
  const cell c = make_cell(grid_, item.number);
  const stopwatch watch;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  cell_record record{.attempt = item.previous_attempts + 1,
                     .rank = rank_,
                     .start_time = std::chrono::duration_cast<std::chrono::milliseconds>(now).count()};
  std::optional<std::string> failure;
  cell_values result;
  try {
    result = compute_(c, stop_.abandon());
  } catch (const stopped&) {
    return false;
  } catch (const std::bad_alloc&) {
    failure = "out of memory";
  } catch (const std::exception& e) {
    failure = e.what();
  }
  record.wall_seconds = watch.seconds();
  time_.computing += record.wall_seconds;
  estimated_ += item.seconds;
  if (failure) {
    report(failed_++, "cell failed", fmt::format("({}): {}", describe(c), *failure));
    store_.add_failed(item.number, record, *failure);
  } else {
    if (const std::optional<std::size_t> stage = diverged_stage(result)) {
      report(diverged_++, "training diverged",
             fmt::format("({}) after {} steps: lower its learning_rate (with clip_norm perhaps), or its step_size",
                         describe(grid_, item.number, *stage), result.integers("training_steps")[*stage]));
    }
    if (result.training_seconds > 0) {
      record.training_seconds = result.training_seconds;
      record.tokens_per_second = result.tokens_per_second;
    }
    store_.add(item.number, std::move(result), record);
  }
  ++finished_;
  return true;
}

void worker::report(std::int64_t before, std::string_view what, const std::string& where) const {
  constexpr std::int64_t most = 10;
  if (before < most) {
    log("cotscale: rank {}: {} {}\n", rank_, what, where);
  } else if (before == most) {
    log("cotscale: rank {}: {} in more cells\n", rank_, what);
  }
}

void worker::flush_if_due(double next_cell_seconds) {
  constexpr double patience = 0.7;
  constexpr std::uint64_t large = 16'000'000;
  if (store_.oldest().count() + next_cell_seconds > patience || store_.waiting_bytes() > large) flush();
}

void worker::flush() {
  const stopwatch watch;
  store_.flush();
  time_.storing += watch.seconds();
}

}  // namespace cotscale::detail
