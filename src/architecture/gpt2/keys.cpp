// The keys of transformers.
#include <algorithm>
#include <array>

#include "../shared_keys.hpp"
#include "cotscale/base/error.hpp"
#include "cotscale/config/part_definition.hpp"
#include "cotscale/train/learning_keys.hpp"
#include "gpt2.hpp"

namespace cotscale {
namespace architectures {
namespace {

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

constexpr std::array<config::word<example_positions>, 3> example_words{
    {{example_positions::learned, "learned", "a row of wpe.weight for each token, so that m ≤ n in tests"},
     {example_positions::sinusoidal, "sinusoidal",
      "sines and cosines of the token's number, which do not learn (arXiv 1706.03762, section 3.5); m is free"},
     {example_positions::none, "none", "not at all, but by the causal mask; m is free"}}};

constexpr std::array<config::word<weight_positions>, 2> weight_words{
    {{weight_positions::own, "own", "a row of wpe.weight for each, so that `test.k` ≤ `k_train`"},
     {weight_positions::shared, "shared", "one row for all, so that `test.k` is free"}}};

// Texts from before these keys have what is not written.
void position_keys(config::keys& k, gpt2_options& o) {
  k.word({.name = "positions", .help = "how tokens of examples are told apart", .unwritten = "'learned'"}, o.positions,
         example_words);
  k.word({.name = "weight_positions", .help = "how weight tokens are told apart", .unwritten = "'own'"}, o.weights,
         weight_words);
}

// The key is always written: texts from before it stand for GPT-2's scheme, which was the only one.
void beginning_keys(config::keys& k, gpt2_options& o, stored_weights& stored) {
  constexpr std::string_view take = "take \"fan_in\" or \"gpt2\"";
  const auto schemes = all_initialisations();
  const auto own = std::find_if(schemes.begin(), schemes.end(),
                                [&](const auto* s) { return s->word() == o.initialisation->word(); });
  beginning begins{.weights = initial_weights::random, .scheme = *own};
  if (!stored.file.empty()) begins = {.weights = initial_weights::given};
  initialisation_word(k, begins);
  if (begins.weights == initial_weights::theorem) {
    k.problem("initialisation",
              fmt::format("\"theorem\" is of V and W, which architecture = \"gpt2\" has not; {}", take));
  } else if (begins.weights == initial_weights::random && begins.scheme == nullptr) {
    k.problem(
        "initialisation",
        fmt::format("\"random\" is of linear and softmax attention, where `initial_scale` is the deviation of all "
                    "weights; architecture = \"gpt2\" has schemes for it: {}",
                    take));
  }
  std::shared_ptr<const initialisation_scheme> scheme;
  if (begins.scheme != nullptr) scheme = begins.scheme == *own ? o.initialisation : begins.scheme->clone();
  k.part_keys("initialisation", scheme, schemes);
  if (scheme != nullptr) o.initialisation = scheme;
  stored_keys(k, begins.weights, stored);
}

// `of` is the beginning of the keys, and `what` says in the documentation what grows. None is not written where texts
// from before the key are to hold.
void curriculum_keys(config::keys& k, const std::string& of, const std::string& what, curriculum_ramp& ramp,
                     std::string_view unwritten = {}) {
  constexpr std::int64_t most = 100'000'000;
  const std::string start = of + "_start", step = of + "_step", every = of + "_every";
  const std::string begins =
      "curriculum: at first so many " + what + "; 0: all. All must be there before training ends";
  const std::string grows = "curriculum: so many more of them at a time";
  k.value({.name = start, .help = begins, .unwritten = unwritten}, ramp.first, {.least = 0, .most = most});
  k.when(ramp.first > 0, start + " = 1 or more", [&] {
    k.value({.name = step, .help = grows}, ramp.step, {.least = 1, .most = most});
    k.value({.name = every, .help = "curriculum: steps of training between one time and the next"}, ramp.every,
            {.least = 1, .most = most_training_steps});
  });
}

// The longest chain may grow where the objective has one.
void chain_curriculum_keys(config::keys& k, const training_objective& objective, curriculum_ramp& ramp) {
  std::vector<std::string> words;
  for (const training_objective* o : all_objectives()) {
    if (o->form().has_chain) words.push_back(fmt::format("\"{}\"", o->word()));
  }
  k.when(objective.form().has_chain, fmt::format("objective = {}", fmt::join(words, " or ")),
         [&] { curriculum_keys(k, "chain", "steps of the longest chain", ramp, "0"); });
}

void require_curriculum(config::keys& k, const std::string& of, const curriculum_ramp& ramp, std::int64_t full,
                        std::int64_t steps) {
  if (ramp.first == 0) return;
  if (ramp.first >= full) {
    k.problem(of + "_start", fmt::format("is {}, but the full size is {}; lower it, or remove it", ramp.first, full));
  } else if (const int last = ramp.at(steps - 1, static_cast<int>(full)); last < full) {
    k.problem(of + "_start", fmt::format("begins a curriculum that reaches {} of {} only before training ends after "
                                         "{} steps; raise {}_step, lower {}_every, or take more steps",
                                         last, full, steps, of, of));
  }
}

// Texts from before this key hold: 0 is not written.
void prefix_key(config::keys& k, double& weight) {
  k.value({.name = "prefix_weight",
           .help = "how much it counts in training, beside the objective, that w is read out after every prefix of the "
                   "examples: times the mean over y_1, …, y_n of ½‖ŵ − w‖². Recorded losses are without it",
           .unwritten = "0.0"},
          weight, {.least = 0});
}

}  // namespace

void gpt2::keys(config::keys& k, const key_choice& which, stored_weights& stored) {
  gpt2_options& o = options_;
  if (which.of_model) {
    size_keys(k, o.size);
    position_keys(k, o);
  }
  if (which.of_training) {
    samples_word(k, word());
    objective_word(k, o.objective);
  }
  k.when(true, R"(training = "samples")", [&] {
    if (which.of_training) {
      learning_keys(k, o);
      curriculum_keys(k, "dimension", "coordinates of x and w that are not zero", o.dimension);
      curriculum_keys(k, "examples", "examples of a prompt", o.examples);
      prefix_key(k, o.prefix_weight);
      chain_curriculum_keys(k, *o.objective, o.chain);
    }
    if (which.of_model) beginning_keys(k, o, stored);
  });
}

void gpt2::require_trainable(config::keys& k, int d, std::int64_t n) const {
  require_curriculum(k, "dimension", options_.dimension, d, options_.steps);
  require_curriculum(k, "examples", options_.examples, n, options_.steps);
  require_curriculum(k, "chain", options_.chain, options_.objective->longest_chain(), options_.steps);
}

}  // namespace architectures

template const sequence_model& config::part<sequence_model, architectures::gpt2>();

}  // namespace cotscale
