// What every model that learns from samples reports of its training.
#pragma once

#include "cotscale/architecture/sequence_model.hpp"
#include "cotscale/train/learning.hpp"

namespace cotscale::architectures {

inline training_report report_of(const learning_record& record, const learning_options& options) {
  training_report out;
  out.steps = record.steps;
  out.converged = !record.diverged;
  out.diverged = record.diverged;
  out.step_size = options.optimizer.learning_rate;
  out.final_loss = record.final_loss;
  out.loss = record.loss;
  return out;
}

}  // namespace cotscale::architectures
