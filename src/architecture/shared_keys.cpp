#include "shared_keys.hpp"

#include <array>

namespace cotscale::architectures {
namespace {

constexpr std::array<config::word<training_method>, 3> trainings{
    {{training_method::population, "population", "gradient descent on the population loss from the theorem's start"},
     {training_method::closed_form, "closed_form", "the minimiser of that loss"},
     {training_method::samples, "samples", "learning from sampled prompts"}}};

constexpr std::array<config::word<initial_weights>, 3> initials{
    {{initial_weights::theorem, "theorem", "that of Theorem 3.1"},
     {initial_weights::random, "random", "N(0, `initial_scale`²)"},
     {initial_weights::given, "stored", "weights that another sweep has kept"}}};

void visit_training(config::keys& k, training_method& training, std::string_view unwritten) {
  k.word({.name = "training",
          .help = "of linear self-attention; transformers and softmax attention have `samples`",
          .otherwise = "'population'; others: 'samples'",
          .unwritten = unwritten},
         training, trainings);
}

}  // namespace

void training_word(config::keys& k, training_method& training) { visit_training(k, training, ""); }

void samples_word(config::keys& k, std::string_view architecture) {
  training_method training = training_method::samples;
  visit_training(k, training, "'samples'");
  if (training == training_method::samples) return;
  k.problem("training", fmt::format("must be \"samples\" for architecture = \"{}\": there is no population loss for it",
                                    architecture));
}

void initialisation_word(config::keys& k, initial_weights& initial, std::string_view unwritten) {
  k.word({.name = "initialisation",
          .help = "the weights to begin with",
          .otherwise = "'theorem'; transformers: 'random', N(0, 0.02²)",
          .unwritten = unwritten},
         initial, initials);
}

void stored_keys(config::keys& k, initial_weights initial, stored_weights& stored) {
  k.when(initial == initial_weights::given, R"(initialisation = "stored")", [&] {
    k.value({.name = "initial_file",
             .help = "results file with `keep_weights`, relative to the specification. The cell with the same mixture, "
                     "hardness, n, repeat and values of further axes (of the same names) is taken: all of them must be "
                     "done, with right checksums, and the file must not change while the run lasts",
             .example = "\"results.h5\"",
             .required = true,
             .numbers = false},
            stored.file);
    k.after("initial_file", [&] {
      k.check([&] {
        if (stored.file.empty()) k.problem("initial_file", "names no file; set it to a results file with keep_weights");
      });
    });
    k.value({.name = "initial_sha256",
             .help = "of that file; a resumed run refuses a changed one",
             .otherwise = "computed",
             .numbers = false},
            stored.sha256);
    k.value({.name = "initial_model",
             .help = "the model in that file",
             .example = "\"lsa\"",
             .required = true,
             .numbers = false},
            stored.model);
  });
}

}  // namespace cotscale::architectures
