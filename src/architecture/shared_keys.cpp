#include "shared_keys.hpp"

#include <array>
#include <span>
#include <string>
#include <vector>

namespace cotscale::architectures {
namespace {

constexpr std::array<config::word<training_method>, 3> trainings{
    {{training_method::population, "population", "gradient descent on the population loss from the theorem's start"},
     {training_method::closed_form, "closed_form", "the minimiser of that loss"},
     {training_method::samples, "samples", "learning from sampled prompts"}}};

// The words, among them those of the schemes of transformers, each with its formula.
std::span<const config::word<beginning>> initials() {
  static const std::vector<std::string> helps = [] {
    std::vector<std::string> out;
    for (const initialisation_scheme* s : all_initialisations()) {
      out.push_back(fmt::format("for transformers only, {}: {}, biases 0, gains 1", s->help(), s->formula()));
    }
    return out;
  }();
  static const std::vector<config::word<beginning>> words = [] {
    std::vector<config::word<beginning>> out{{{initial_weights::theorem}, "theorem", "that of Theorem 3.1"},
                                             {{initial_weights::random}, "random", "N(0, `initial_scale`²)"}};
    for (std::size_t i = 0; i < helps.size(); ++i) {
      const initialisation_scheme* scheme = all_initialisations()[i];
      out.push_back({{initial_weights::random, scheme}, scheme->word(), helps[i]});
    }
    out.push_back({{initial_weights::given}, "stored", "weights that another sweep has kept"});
    return out;
  }();
  return words;
}

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

void initialisation_word(config::keys& k, beginning& begins) {
  k.word(
      {.name = "initialisation", .help = "the weights to begin with", .otherwise = "'theorem'; transformers: 'fan_in'"},
      begins, initials());
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
