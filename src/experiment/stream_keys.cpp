// What the random numbers of a sweep are keyed by.
#include "cotscale/experiment/grid.hpp"

namespace cotscale {
namespace {

// The values that make a target what it is; two targets with equal values have equal test prompts. What came
// later is added where it is not what it was before, so that old keys hold.
key_builder& add_target(key_builder& builder, const specification& spec, double hardness) {
  const covariance_specification& t = spec.target;
  builder.add(spec.d);
  if (!has_own_covariance(t)) {
    builder.add("hardness").add(hardness);
  } else if (t.spectrum) {
    builder.add("spectrum").add(t.spectrum->word());
    t.spectrum->identify(builder, t.scale_to_trace);
  }
  builder.add(word_of(t.basis));
  if (spec.noise > 0) builder.add("noise").add(spec.noise);
  if (!spec.weights->is_gaussian()) spec.weights->identify(builder.add("weights"));
  if (!t.features->is_gaussian()) t.features->identify(builder.add("features"));
  return builder;
}

}  // namespace

stream_key test_prompt_key(const specification& spec, double hardness, std::int64_t repeat, std::int64_t m) {
  key_builder builder("test prompts");
  builder.add(spec.seed);
  return add_target(builder, spec, hardness).add(repeat).add(m).key();
}

stream_key training_key(const specification& spec, const cell& c) {
  key_builder builder("training");
  builder.add(spec.seed);
  add_target(builder, spec, c.hardness).add(c.n).add(c.repeat);
  if (c.stage > 0) builder.add("stage").add(static_cast<std::int64_t>(c.stage));
  return builder.key();
}

stream_key prediction_key(const specification& spec, double hardness, std::int64_t m) {
  key_builder builder("prediction");
  builder.add(spec.seed);
  return add_target(builder, spec, hardness).add(m).key();
}

stream_key null_key(const specification& spec, double hardness, std::int64_t m) {
  key_builder builder("null distribution");
  builder.add(spec.seed);
  return add_target(builder, spec, hardness).add(m).key();
}

stream_key selection_key(const specification& spec, double hardness) {
  key_builder builder("exact selection");
  builder.add(spec.seed);
  return add_target(builder, spec, hardness).add(spec.selection.m).key();
}

stream_key fresh_selection_key(const specification& spec, double hardness) {
  key_builder builder("exact selection, fresh");
  builder.add(spec.seed);
  return add_target(builder, spec, hardness).add(spec.selection.m).key();
}

}  // namespace cotscale
