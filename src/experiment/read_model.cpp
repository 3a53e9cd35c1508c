#include "cotscale/base/error.hpp"
#include "read_tables.hpp"

namespace cotscale::detail {
namespace {

constexpr std::int64_t most_steps = std::int64_t{1} << 40;

void read_optimizer(table_reader& keys, optimizer_options& out) {
  out.rule = word(keys, "optimizer", optimizer_words, out.rule);
  const bool muon = out.rule == update_rule::muon;
  const bool adam = out.rule == update_rule::adam || out.rule == update_rule::adamw || muon;
  only_with(keys, out.rule == update_rule::sgd, {"momentum"}, "optimizer = \"sgd\"");
  only_with(keys, adam, {"beta1", "beta2", "epsilon"}, "optimizer = \"adam\", \"adamw\" or \"muon\"");
  only_with(keys, out.rule == update_rule::adamw || muon, {"weight_decay"}, "optimizer = \"adamw\" or \"muon\"");
  only_with(keys, muon, {"muon_momentum", "nesterov", "vector_rate"}, "optimizer = \"muon\"");
  out.learning_rate = positive(keys, "learning_rate", out.learning_rate);
  out.momentum = not_negative(keys, "momentum", out.momentum);
  out.beta1 = not_negative(keys, "beta1", out.beta1);
  out.beta2 = not_negative(keys, "beta2", out.beta2);
  out.muon_momentum = not_negative(keys, "muon_momentum", out.muon_momentum);
  out.nesterov = keys.boolean("nesterov", out.nesterov);
  out.vector_rate = positive(keys, "vector_rate", out.vector_rate);
  for (const char* key : {"momentum", "beta1", "beta2", "muon_momentum"}) {
    if (keys.find(key) != nullptr && keys.number(key, 0) >= 1) keys.problem(key, "must be below 1");
  }
  out.epsilon = positive(keys, "epsilon", out.epsilon);
  out.weight_decay = not_negative(keys, "weight_decay", out.weight_decay);
  out.schedule = word(keys, "schedule", schedule_words, out.schedule);
  only_with(keys, out.schedule == rate_schedule::linear, {"floor"}, "schedule = \"linear\"");
  out.floor = not_negative(keys, "floor", out.floor);
  if (out.floor > 1) keys.problem("floor", fmt::format("is a share of learning_rate, at most 1, got {}", out.floor));
  out.warm_up = keys.integer("warm_up", out.warm_up, 0, most_steps);
  out.clip_norm = not_negative(keys, "clip_norm", out.clip_norm);
}

void read_objective(table_reader& keys, objective_options& out) {
  out.kind = word(keys, "objective", objective_words, out.kind);
  const bool chain = out.kind != objective::direct;
  const bool teacher = out.kind == objective::process;
  only_with(keys, chain, {"k_train"}, "an objective other than \"direct\"");
  only_with(keys, teacher, {"targets", "eta"}, "objective = \"process\"");
  if (chain && keys.find("k_train") == nullptr) keys.missing("k_train", "5");
  out.k_train = static_cast<int>(keys.integer("k_train", out.k_train, 1, 10'000));
  out.targets = word(keys, "targets", target_words, out.targets);
  out.eta = positive(keys, "eta", out.eta);
}

// The keys that both architectures have.
template<class Options>
void read_training(table_reader& keys, Options& options) {
  read_objective(keys, options.objective);
  read_optimizer(keys, options.optimizer);
  options.steps = keys.integer("steps", options.steps, 1, most_steps);
  if (options.optimizer.warm_up >= options.steps) {
    keys.problem("warm_up", fmt::format("must be below steps = {}, got {}", options.steps, options.optimizer.warm_up));
  }
  options.batch = static_cast<int>(keys.integer("batch", options.batch, 1, 1'000'000));
  options.fresh_prompts = keys.boolean("fresh_prompts", options.fresh_prompts);
}

// Weights that another sweep has kept.
void read_stored(table_reader& keys, bool stored, model_specification& out) {
  only_with(keys, stored, {"initial_file", "initial_sha256", "initial_model"}, "initialisation = \"stored\"");
  out.initial_file = keys.text("initial_file", "");
  out.initial_sha256 = keys.text("initial_sha256", "");
  out.initial_model = keys.text("initial_model", "");
  if (stored && out.initial_file.empty()) keys.missing("initial_file", "\"results.h5\"");
  if (stored && out.initial_model.empty()) keys.missing("initial_model", "\"lsa\"");
}

void read_sampled(table_reader& keys, model_specification& out) {
  sampled_options& options = out.sampled;
  options.c = out.c;
  read_training(keys, options);
  options.parameters = word(keys, "parameters", parameter_words, options.parameters);
  only_with(keys, options.parameters == parameter_set::slice, {"train_w13"}, "parameters = \"slice\"");
  options.free_w13 = keys.boolean("train_w13", options.free_w13);
  options.free_w24 = keys.boolean("train_w24", options.free_w24);
  options.initial = word(keys, "initialisation", initial_words, options.initial);
  const bool stored = options.initial == initial_weights::given;
  only_with(keys, options.initial == initial_weights::random, {"initial_scale"}, "initialisation = \"random\"");
  options.initial_scale = positive(keys, "initial_scale", options.initial_scale);
  read_stored(keys, stored, out);
}

curriculum_ramp read_ramp(table_reader& keys, const std::string& name) {
  curriculum_ramp out;
  out.first = static_cast<int>(keys.integer(name + "_start", out.first, 0, most_examples));
  out.step = static_cast<int>(keys.integer(name + "_step", out.step, 1, most_examples));
  out.every = keys.integer(name + "_every", out.every, 1, most_steps);
  for (const char* key : {"_step", "_every"}) {
    if (out.first == 0 && keys.find(name + key) != nullptr) {
      keys.problem(name + key, fmt::format("has an effect with {}_start only; remove it", name));
    }
  }
  return out;
}

void read_lsa(table_reader& keys, model_specification& out) {
  only_with(keys, false,
            {"size", "layers", "heads", "width", "dimension_start", "dimension_step", "dimension_every",
             "examples_start", "examples_step", "examples_every"},
            "architecture = \"gpt2\"");
  out.training = word(keys, "training", training_words, out.training);
  const bool samples = out.training == training_method::samples;
  const std::string chosen = keys.choice("objective", objective_words, objective_words.front());
  if (!samples && chosen != objective_words.front()) {
    keys.problem("objective",
                 fmt::format("\"{}\" needs training = \"samples\"; the population loss is that of \"direct\"", chosen));
  }
  out.roll_out = word(keys, "roll_out", roll_out_words, out.roll_out);
  out.c = keys.number("c", out.c);
  if (out.c == 0) keys.problem("c", "must not be 0: it scales the weights that stay fixed");
  only_with(keys, out.training == training_method::population, {"tolerance", "max_steps", "step_size"},
            "training = \"population\"");
  only_with(keys, samples,
            {"parameters",    "train_w13",     "train_w24",      "k_train",      "targets",       "eta",
             "optimizer",     "learning_rate", "momentum",       "beta1",        "beta2",         "epsilon",
             "weight_decay",  "muon_momentum", "nesterov",       "vector_rate",  "floor",         "schedule",
             "warm_up",       "clip_norm",     "steps",          "batch",        "fresh_prompts", "initialisation",
             "initial_scale", "initial_file",  "initial_sha256", "initial_model"},
            "training = \"samples\"");
  if (samples) read_sampled(keys, out);
  out.tolerance = positive(keys, "tolerance", out.tolerance);
  out.max_steps = keys.integer("max_steps", out.max_steps, 1, most_steps);
  if (keys.find("step_size") != nullptr) out.step_size = positive(keys, "step_size", 1);
}

gpt2_size read_size(table_reader& keys) {
  const std::vector<gpt2_size> sizes{gpt2_tiny, gpt2_small, gpt2_standard};
  const auto number = [&](const char* key, int least) {
    if (keys.find(key) == nullptr) keys.missing(key, "4");
    return static_cast<int>(keys.integer(key, least, least, 65'536));
  };
  const bool numbers = keys.has("layers") || keys.has("heads") || keys.has("width");
  if (keys.find("size") == nullptr) keys.missing("size", numbers ? "\"free\"" : "\"tiny\"");
  const std::string name = keys.choice("size", size_words, "");
  if (name.empty()) {
    for (const char* key : {"layers", "heads", "width"}) keys.find(key);
    return gpt2_tiny;
  }
  if (name != size_words.back()) {
    only_with(keys, false, {"layers", "heads", "width"}, "size = \"free\"");
    return sizes.at(value_of<std::size_t>(size_words, name));
  }
  const gpt2_size size{.layers = number("layers", 1), .heads = number("heads", 1), .width = number("width", 2)};
  if (size.width % size.heads != 0) keys.problem("width", fmt::format("must be a multiple of heads = {}", size.heads));
  return size;
}

void read_gpt2(table_reader& keys, model_specification& out) {
  gpt2_options& options = out.gpt2;
  out.training = training_method::samples;
  only_with(
      keys, false,
      {"roll_out", "c", "tolerance", "max_steps", "step_size", "parameters", "train_w13", "train_w24", "initial_scale"},
      "architecture = \"lsa\"");
  if (keys.choice("training", training_words, training_words.back()) != training_words.back()) {
    keys.problem("training", "must be \"samples\" for architecture = \"gpt2\": there is no population loss for it");
  }
  options.size = read_size(keys);
  options.optimizer.learning_rate = 5e-4;
  read_training(keys, options);
  options.dimension = read_ramp(keys, "dimension");
  options.examples = read_ramp(keys, "examples");
  read_stored(keys, keys.choice("initialisation", {"random", "stored"}, "random") == "stored", out);
}

void read_softmax(table_reader& keys, model_specification& out) {
  only_with(keys, false,
            {"size", "layers", "heads", "width", "dimension_start", "dimension_step", "dimension_every",
             "examples_start", "examples_step", "examples_every"},
            "architecture = \"gpt2\"");
  only_with(keys, false, {"roll_out", "tolerance", "max_steps", "step_size"}, "architecture = \"lsa\"");
  out.training = training_method::samples;
  if (keys.choice("training", training_words, training_words.back()) != training_words.back()) {
    keys.problem("training", "must be \"samples\" for architecture = \"softmax\": there is no population loss for it");
  }
  out.c = keys.number("c", out.c);
  if (out.c == 0) keys.problem("c", "must not be 0: it scales the weights that stay fixed");
  read_sampled(keys, out);
  out.own_columns = keys.boolean("own_columns", out.own_columns);
}

}  // namespace

// Refuses keys that would silently do nothing.
void only_with(table_reader& keys, bool applies, std::initializer_list<const char*> names,
               const std::string& condition) {
  for (const char* key : names) {
    if (!applies && keys.has(key)) keys.problem(key, fmt::format("has an effect with {} only; remove it", condition));
  }
}

double positive(table_reader& keys, const std::string& key, double fallback) {
  const double value = keys.number(key, fallback);
  if (!(value > 0)) keys.problem(key, fmt::format("must be positive, got {}", value));
  return value;
}

double not_negative(table_reader& keys, const std::string& key, double fallback) {
  const double value = keys.number(key, fallback);
  if (!(value >= 0)) keys.problem(key, fmt::format("must not be negative, got {}", value));
  return value;
}

model_specification read_model(table_reader& keys) {
  model_specification out;
  if (keys.find("architecture") == nullptr) keys.missing("architecture", R"("lsa")");
  const std::string architecture = keys.choice("architecture", architecture_words, "");
  if (architecture.empty()) {
    keys.ignore_the_rest();
    return out;
  }
  out.architecture = value_of<architecture_kind>(architecture_words, architecture);
  if (out.architecture == architecture_kind::lsa) {
    read_lsa(keys, out);
  } else if (out.architecture == architecture_kind::softmax) {
    read_softmax(keys, out);
  } else {
    read_gpt2(keys, out);
  }
  only_with(keys, out.architecture == architecture_kind::softmax, {"own_columns"}, "architecture = \"softmax\"");
  out.keep_weights = keys.boolean("keep_weights", false);
  keys.finish();
  return out;
}

}  // namespace cotscale::detail
