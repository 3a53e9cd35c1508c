// The keys of [models.NAME].
#include <algorithm>
#include <array>

#include "cotscale/train/keys.hpp"
#include "declarations.hpp"

namespace cotscale::detail {
namespace {

constexpr std::array<config::word<architecture_kind>, 3> architectures{
    {{architecture_kind::lsa, "lsa", "linear self-attention"},
     {architecture_kind::gpt2, "gpt2", "a GPT-2-style transformer, which learns from samples only"},
     {architecture_kind::softmax, "softmax", "a layer of softmax attention, which learns from samples only"}}};

constexpr std::array<config::word<training_method>, 3> trainings{
    {{training_method::population, "population", "gradient descent on the population loss from the theorem's start"},
     {training_method::closed_form, "closed_form", "the minimiser of that loss"},
     {training_method::samples, "samples", "learning from sampled prompts"}}};

constexpr std::array<config::word<roll_out_method>, 2> roll_outs{
    {{roll_out_method::recursion, "recursion", "the recursion of Proposition 3.2"},
     {roll_out_method::definition, "definition",
      "attention over the full embedding, for which all examples are drawn (slow; the two agree to rounding)"}}};

constexpr std::array<config::word<parameter_set>, 2> parameter_sets{
    {{parameter_set::full, "full", "all of V and W but W₂₄"}, {parameter_set::slice, "slice", "V₃₁ only"}}};

constexpr std::array<config::word<initial_weights>, 3> initials{
    {{initial_weights::theorem, "theorem", "that of Theorem 3.1"},
     {initial_weights::random, "random", "N(0, `initial_scale`²)"},
     {initial_weights::given, "stored", "weights that another sweep has kept"}}};

enum class named_size : std::uint8_t { tiny, small, standard, free };
constexpr std::array<config::word<named_size>, 4> sizes{{{named_size::tiny, "tiny", "layers/heads/width 3/2/64"},
                                                         {named_size::small, "small", "6/4/128"},
                                                         {named_size::standard, "standard", "12/8/256"},
                                                         {named_size::free, "free", "the next three keys"}}};

// A named size is written by its numbers: the name may come to mean others.
void size_keys(config::keys& k, gpt2_size& size) {
  named_size name = named_size::free;
  const bool numbers = k.given("layers") || k.given("heads") || k.given("width");
  k.word({.name = "size", .help = "of the transformer", .example = numbers ? "\"free\"" : "\"tiny\"", .required = true},
         name, sizes);
  const std::array<gpt2_size, 3> named{gpt2_tiny, gpt2_small, gpt2_standard};
  if (name != named_size::free) size = named.at(static_cast<std::size_t>(name));
  k.when(name == named_size::free, R"(size = "free")", [&] {
    constexpr std::int64_t most = 65'536;
    k.value({.name = "layers", .help = "blocks of attention and perceptron", .example = "4", .required = true},
            size.layers, {.least = 1, .most = most});
    k.value({.name = "heads", .help = "of attention", .example = "4", .required = true}, size.heads,
            {.least = 1, .most = most});
    k.value(
        {.name = "width", .help = "of the residual stream; a multiple of `heads`", .example = "64", .required = true},
        size.width, {.least = 2, .most = most});
    k.after("heads", [&] {
      k.check([&] {
        if (size.width % size.heads != 0)
          k.problem("width", fmt::format("must be a multiple of heads = {}", size.heads));
      });
    });
  });
}

// What a model learns from samples with, whatever it is.
template<class Options>
void training_keys(config::keys& k, Options& options) {
  objective_keys(k, options.objective);
  optimizer_keys(k, options.optimizer);
  k.value({.name = "steps", .help = "of training"}, options.steps, {.least = 1, .most = most_training_steps});
  k.value({.name = "batch", .help = "prompts a step", .otherwise = "256; transformers: 64"}, options.batch,
          {.least = 1, .most = 1'000'000});
  k.value({.name = "fresh_prompts",
           .help = "false: every step takes the prompts of the first, and `gd` is gradient descent on that sample"},
          options.fresh_prompts);
  k.after("steps", [&] {
    k.check([&] {
      if (options.optimizer.warm_up < options.steps) return;
      k.problem("warm_up", fmt::format("must be below steps = {}, got {}", options.steps, options.optimizer.warm_up));
    });
  });
}

void stored_keys(config::keys& k, model_specification& m) {
  k.value({.name = "initial_file",
           .help = "results file with `keep_weights`, relative to the specification. The cell with the same mixture, "
                   "hardness, n and repeat is taken: all of them must be done, with right checksums, and the file must "
                   "not change while the run lasts",
           .example = "\"results.h5\"",
           .required = true},
          m.initial_file);
  k.value(
      {.name = "initial_sha256", .help = "of that file; a resumed run refuses a changed one", .otherwise = "computed"},
      m.initial_sha256);
  k.value({.name = "initial_model", .help = "the model in that file", .example = "\"lsa\"", .required = true},
          m.initial_model);
}

// Which entries of V and W learn.
void matrix_keys(config::keys& k, sampled_options& s) {
  k.word({.name = "parameters", .help = "what learns"}, s.parameters, parameter_sets);
  k.when(s.parameters == parameter_set::slice, R"(parameters = "slice")",
         [&] { k.value({.name = "train_w13", .help = "W₁₃ learns too"}, s.free_w13); });
  k.value({.name = "train_w24",
           .help = "W₂₄ learns too. Then only the product W₂₄V₃₁ is determined: one step is right, the chain is not"},
          s.free_w24);
}

// A transformer begins with GPT-2's own random values, which are not written: texts from before there were others hold.
void initial_keys(config::keys& k, model_specification& m, bool transformer) {
  initial_weights own = m.initial_file.empty() ? initial_weights::random : initial_weights::given;
  initial_weights& initial = transformer ? own : m.sampled.initial;
  k.word({.name = "initialisation",
          .help = "the weights to begin with",
          .otherwise = "'theorem'; transformers: 'random', N(0, 0.02²)",
          .unwritten = transformer ? "'random'" : ""},
         initial, initials);
  if (transformer && initial == initial_weights::theorem) {
    k.problem("initialisation", "\"theorem\" is of V and W, which architecture = \"gpt2\" has not; take \"random\"");
  }
  k.when(!transformer, R"(architecture = "lsa" or "softmax")", [&] {
    k.when(initial == initial_weights::random, R"(initialisation = "random")", [&] {
      k.value({.name = "initial_scale", .help = "standard deviation"}, m.sampled.initial_scale, {.above = 0});
    });
  });
  k.when(initial == initial_weights::given, R"(initialisation = "stored")", [&] { stored_keys(k, m); });
}

void descent_keys(config::keys& k, model_specification& m) {
  k.value(
      {.name = "tolerance",
       .help = "stop when the relative error of the weakest direction is no larger: ‖(A − A*)q‖/‖A*q‖ ≤ `tolerance` "
               "for every eigenvector q of the optimum A* = Γ⁻¹, or right singular vector where it is not symmetric"},
      m.tolerance, {.above = 0});
  k.value({.name = "max_steps",
           .help = "then the cell is done, and marked not converged. A direction of eigenvalue λ needs some "
                   "ln(1/`tolerance`) λ_max γ(λ_max)/(λ γ(λ)) steps; they are skipped, not taken one by one, so that a "
                   "large value costs nothing"},
          m.max_steps, {.least = 1, .most = most_training_steps});
  k.value({.name = "step_size",
           .help = "constant step of gradient descent. Above twice the default it diverges. The default is the largest "
                   "with monotone convergence. The paper's 1/(c² ‖Γ‖) is stored beside it; it diverges for, say, λ_j ∝ "
                   "1/j of trace d",
           .otherwise = "1/(c² ‖ΛΓ‖)"},
          m.step_size, {.above = 0});
}

void samples_keys(config::keys& k, model_specification& m, bool transformer) {
  if (transformer) {
    training_keys(k, m.gpt2);
  } else {
    training_keys(k, m.sampled);
  }
  k.when(transformer, R"(architecture = "gpt2")", [&] {
    curriculum_keys(k, "dimension", "coordinates of x and w that are not zero", m.gpt2.dimension);
    curriculum_keys(k, "examples", "examples of a prompt", m.gpt2.examples);
  });
  k.when(!transformer, R"(architecture = "lsa" or "softmax")", [&] { matrix_keys(k, m.sampled); });
  initial_keys(k, m, transformer);
}

}  // namespace

void model_keys(config::keys& k, model_specification& m) {
  k.word({.name = "architecture", .help = "what the model is", .example = "\"lsa\"", .required = true}, m.architecture,
         architectures);
  k.after("architecture", [&] {
    const bool transformer = m.architecture == architecture_kind::gpt2, lsa = m.architecture == architecture_kind::lsa;
    auto& objective = transformer ? m.gpt2.objective : m.sampled.objective;
    k.value({.name = "keep_weights", .help = "store V and W of every cell, or all parameters of a transformer"},
            m.keep_weights);
    k.when(transformer, R"(architecture = "gpt2")", [&] { size_keys(k, m.gpt2.size); });
    if (!lsa) k.fallback(m.training, training_method::samples);
    if (transformer) k.fallback(m.gpt2.optimizer.learning_rate, 5e-4);
    k.word({.name = "training",
            .help = "of linear self-attention; transformers and softmax attention have `samples`",
            .unwritten = lsa ? "" : "'samples'"},
           m.training, trainings);
    if (!lsa && m.training != training_method::samples) {
      k.problem("training",
                fmt::format("must be \"samples\" for architecture = \"{}\": there is no population loss for it",
                            config::text_of(m.architecture, architectures)));
      m.training = training_method::samples;
    }
    objective_word(k, objective);
    const bool samples = m.training == training_method::samples;
    k.after("training", [&] {
      if (samples || !objective->form().has_chain) return;
      k.problem("objective", "needs training = \"samples\"; the population loss is that of \"direct\"");
    });
    k.when(samples, R"(training = "samples")", [&] { samples_keys(k, m, transformer); });
    k.when(lsa, R"(architecture = "lsa")",
           [&] { k.word({.name = "roll_out", .help = "how chains are computed"}, m.roll_out, roll_outs); });
    k.when(!transformer, R"(architecture = "lsa" or "softmax")", [&] {
      k.value({.name = "c", .help = "W₁₃ = c I and W₂₄ = −c stay fixed"}, m.c, {.other_than = 0});
      k.fallback(m.sampled.c, m.c);
    });
    k.when(m.training == training_method::population, R"(training = "population")", [&] { descent_keys(k, m); });
    k.when(m.architecture == architecture_kind::softmax, R"(architecture = "softmax")", [&] {
      k.value({.name = "own_columns", .help = "attention also reads the chain's own columns"}, m.own_columns);
    });
  });
}

}  // namespace cotscale::detail
