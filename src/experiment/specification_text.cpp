// Specifications as text: the canonical TOML of one.
#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <sstream>

#include "cotscale/base/error.hpp"
#include "cotscale/config/toml_reader.hpp"
#include "cotscale/experiment/specification.hpp"
#include "words.hpp"

namespace cotscale {
namespace {

using namespace detail;

std::string quoted(const std::string& text) {
  std::ostringstream out;
  out << toml::default_formatter(toml::value<std::string>(text));
  return out.str();
}

std::string quoted_key(const std::string& key) {
  const bool bare = !key.empty() && std::all_of(key.begin(), key.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-';
  });
  return bare ? key : quoted(key);
}

// Shortest text that reads back as the same double, and as a float in TOML.
std::string shown(double value) {
  std::string text = fmt::format("{}", value);
  if (std::isinf(value)) return text;
  if (text.find_first_of(".en") == std::string::npos) text += ".0";
  return text;
}

std::string shown(bool value) { return value ? "true" : "false"; }
std::string shown(std::int64_t value) { return fmt::format("{}", value); }
std::string shown(const std::string& value) { return quoted(value); }

template<class T>
std::string shown(const std::vector<T>& values) {
  std::vector<std::string> texts;
  texts.reserve(values.size());
  for (const T& value : values) texts.push_back(shown(value));
  return fmt::format("[{}]", listed(texts));
}

class toml_writer {
 public:
  void table(const std::string& name) { text_ += fmt::format("{}[{}]\n", text_.empty() ? "" : "\n", name); }
  template<class T>
  void key(const std::string& name, const T& value) {
    text_ += fmt::format("{} = {}\n", name, shown(value));
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

void write(toml_writer& out, const covariance_specification& c) {
  if (c.spectrum) {
    out.key("spectrum", word_of(spectrum_words, *c.spectrum));
    switch (*c.spectrum) {
      case covariance_specification::kind::power_law:
        out.key("exponent", c.exponent);
        break;
      case covariance_specification::kind::list:
        out.key("eigenvalues", c.eigenvalues);
        break;
      case covariance_specification::kind::file:
        out.key("file", c.file);
        out.key("sha256", c.sha256);
        break;
    }
    out.key("scale", scale_words[c.scale_to_trace ? 1 : 0]);
  }
  out.key("rotation", word_of(rotation_words, c.basis));
}

void write(toml_writer& out, const mixture_specification& m) {
  if (m.probabilities.empty()) {
    write(out, m.task);
  } else {
    out.key("probabilities", m.probabilities);
  }
}

void write(toml_writer& out, const tasks_specification& t) {
  if (t.source == tasks_specification::kind::file) {
    out.key("file", t.file);
    out.key("sha256", t.sha256);
  } else {
    out.key("exponents", t.exponents);
    out.key("directions", t.directions);
    out.key("each", std::int64_t{t.each});
  }
}

void write(toml_writer& out, const selection_specification& s) {
  if (s.n) out.key("n", *s.n);
  if (std::isinf(s.m)) {
    out.key("m", s.m);
  } else {
    out.key("m", static_cast<std::int64_t>(s.m));
  }
  out.key("k", std::int64_t{s.k});
  out.key("samples", std::int64_t{s.samples});
  out.key("max_samples", std::int64_t{s.max_samples});
  out.key("draws", std::int64_t{s.draws});
}

void write(toml_writer& out, const objective_options& o) {
  out.key("objective", word_of(objective_words, o.kind));
  if (o.kind == objective::direct) return;
  out.key("k_train", std::int64_t{o.k_train});
  if (o.kind != objective::process) return;
  out.key("targets", word_of(target_words, o.targets));
  out.key("eta", o.eta);
}

void write(toml_writer& out, const optimizer_options& o) {
  out.key("optimizer", word_of(optimizer_words, o.rule));
  out.key("learning_rate", o.learning_rate);
  if (o.rule == update_rule::sgd) out.key("momentum", o.momentum);
  const bool muon = o.rule == update_rule::muon;
  if (o.rule == update_rule::adam || o.rule == update_rule::adamw || muon) {
    out.key("beta1", o.beta1);
    out.key("beta2", o.beta2);
    out.key("epsilon", o.epsilon);
  }
  if (o.rule == update_rule::adamw || muon) out.key("weight_decay", o.weight_decay);
  if (muon) {
    out.key("muon_momentum", o.muon_momentum);
    out.key("nesterov", o.nesterov);
    out.key("vector_rate", o.vector_rate);
  }
  out.key("schedule", word_of(schedule_words, o.schedule));
  if (o.schedule == rate_schedule::linear) out.key("floor", o.floor);
  out.key("warm_up", o.warm_up);
  out.key("clip_norm", o.clip_norm);
}

template<class Options>
void write_training(toml_writer& out, const Options& options) {
  write(out, options.objective);
  write(out, options.optimizer);
  out.key("steps", options.steps);
  out.key("batch", std::int64_t{options.batch});
  out.key("fresh_prompts", options.fresh_prompts);
}

void write(toml_writer& out, const std::string& name, const curriculum_ramp& ramp) {
  out.key(name + "_start", std::int64_t{ramp.first});
  if (ramp.first == 0) return;
  out.key(name + "_step", std::int64_t{ramp.step});
  out.key(name + "_every", ramp.every);
}

// A named size is written by its numbers: the name may come to mean others.
void write_gpt2(toml_writer& out, const gpt2_options& g) {
  out.key("size", size_words.back());
  out.key("layers", std::int64_t{g.size.layers});
  out.key("heads", std::int64_t{g.size.heads});
  out.key("width", std::int64_t{g.size.width});
  write_training(out, g);
  write(out, "dimension", g.dimension);
  write(out, "examples", g.examples);
}

void write_stored(toml_writer& out, const model_specification& m) {
  out.key("initial_file", m.initial_file);
  out.key("initial_sha256", m.initial_sha256);
  out.key("initial_model", m.initial_model);
}

void write_sampled(toml_writer& out, const model_specification& m) {
  const sampled_options& s = m.sampled;
  write_training(out, s);
  out.key("parameters", word_of(parameter_words, s.parameters));
  if (s.parameters == parameter_set::slice) out.key("train_w13", s.free_w13);
  out.key("train_w24", s.free_w24);
  out.key("initialisation", word_of(initial_words, s.initial));
  if (s.initial == initial_weights::random) out.key("initial_scale", s.initial_scale);
  if (s.initial == initial_weights::given) write_stored(out, m);
}

void write(toml_writer& out, const model_specification& m) {
  out.key("architecture", word_of(architecture_words, m.architecture));
  out.key("keep_weights", m.keep_weights);
  if (m.architecture == architecture_kind::gpt2) {
    write_gpt2(out, m.gpt2);
    if (m.initial_file.empty()) return;  // its own, which is not written
    out.key("initialisation", std::string("stored"));
    write_stored(out, m);
    return;
  }
  if (m.architecture == architecture_kind::softmax) {
    write_sampled(out, m);
    out.key("c", m.c);
    out.key("own_columns", m.own_columns);
    return;
  }
  out.key("training", word_of(training_words, m.training));
  if (m.training == training_method::samples) {
    write_sampled(out, m);
  } else {
    out.key("objective", objective_words.front());
  }
  out.key("roll_out", word_of(roll_out_words, m.roll_out));
  out.key("c", m.c);
  if (m.training == training_method::population) {
    out.key("tolerance", m.tolerance);
    out.key("max_steps", m.max_steps);
    if (m.step_size) out.key("step_size", *m.step_size);
  }
}

}  // namespace

const std::string& word_of(covariance_specification::kind kind) { return detail::word_of(spectrum_words, kind); }

const std::string& word_of(rotation basis) { return detail::word_of(rotation_words, basis); }

const std::string& word_of(sampler_method sampler) { return detail::word_of(sampler_words, sampler); }

std::string to_toml(const specification& spec) {
  toml_writer out;
  out.table("sweep");
  out.key("name", spec.name);
  out.key("seed", spec.seed);
  out.key("models", spec.models);
  out.key("mixtures", spec.mixtures);
  if (!spec.target.spectrum) out.key("hardness", spec.hardness);
  out.key("n", spec.n);
  out.key("repeats", std::int64_t{spec.repeats});
  out.table("task");
  out.key("d", std::int64_t{spec.d});
  out.table("test");
  out.key("k", std::int64_t{spec.steps});
  out.key("m", spec.m);
  out.key("prompts", std::int64_t{spec.prompts});
  out.key("sampler", word_of(resolved_sampler(spec)));
  out.key("baselines", spec.baselines);
  out.table("theory");
  out.key("draws", std::int64_t{spec.theory_draws});
  if (spec.theory_draws > 0) {
    out.key("most_draws", std::int64_t{spec.theory_most_draws});
    out.key("rarest", spec.theory_rarest);
  }
  out.table("target");
  write(out, spec.target);
  if (spec.tasks.source != tasks_specification::kind::none) {
    out.table("tasks");
    write(out, spec.tasks);
    out.table("select");
    write(out, spec.selection);
  }
  for (const auto& [name, model] : spec.model_tables) {
    out.table("models." + quoted_key(name));
    write(out, model);
  }
  for (const auto& [name, mixture] : spec.mixture_tables) {
    out.table("mixtures." + quoted_key(name));
    write(out, mixture);
  }
  return out.text();
}

std::string selection_to_toml(const specification& spec) {
  toml_writer out;
  out.table("sweep");
  out.key("name", spec.name);
  out.key("seed", spec.seed);
  out.table("task");
  out.key("d", std::int64_t{spec.d});
  out.table("target");
  write(out, spec.target);
  if (!spec.target.spectrum) out.key("hardness", spec.hardness);
  out.table("tasks");
  write(out, spec.tasks);
  out.table("select");
  write(out, spec.selection);
  return out.text();
}

}  // namespace cotscale
