// The keys of [sweep], [task], [test], [theory] and [select].
#include <array>

#include "cotscale/base/error.hpp"
#include "cotscale/experiment/theory_draws.hpp"
#include "cotscale/train/learning_keys.hpp"
#include "declarations.hpp"

namespace cotscale {
namespace {

constexpr std::array<config::word<sampler_method>, 4> samplers{
    {{sampler_method::automatic, "auto",
      "bidiagonal where all is isotropic; else Wishart unless a model needs the examples (`roll_out = \"definition\"`, "
      "and all but linear self-attention), or "
      "features are not Gaussian"},
     {sampler_method::wishart, "wishart", "draw Ŝ as a Wishart matrix, exact and fast"},
     {sampler_method::explicit_examples, "explicit", "draw all examples"},
     {sampler_method::bidiagonal, "bidiagonal",
      "draw the first rows of its bidiagonal form, exact and faster, whatever d is, where every target, mixture and "
      "model is isotropic, features and weights are Gaussian, and labels have no noise"}}};

}  // namespace

std::string word_of(sampler_method sampler) { return std::string(config::text_of(sampler, samplers)); }

namespace detail {
namespace {

void require_hardness(config::keys& k, const specification& spec) {
  for (std::size_t i = 0; i < spec.hardness.size(); ++i) {
    const double hardness = spec.hardness[i];
    if (spec.d == 1 && hardness != 1) {
      k.problem_at("hardness", i, fmt::format("has the value {}, but for task.d = 1 it is always 1", hardness));
    } else if (hardness < spec.d) {
      k.problem_at("hardness", i,
                   fmt::format("has the value {}, but tr(Σ)/λ_min(Σ) is at least d = {}", hardness, spec.d));
    }
  }
}

}  // namespace

void name_keys(config::keys& k, specification& spec) {
  k.value({.name = "name", .help = "shown in titles", .numbers = false}, spec.name);
  k.value({.name = "seed", .help = "all random numbers depend on it"}, spec.seed);
}

void hardness_keys(config::keys& k, specification& spec, bool required) {
  k.when(!has_own_covariance(spec.target), "a [target] that has neither spectrum nor rows", [&] {
    k.axis({.name = "hardness",
            .help = "Hard(Σ) = tr(Σ)/λ_min(Σ), at least d: Σ is a power law λ_j ∝ j^(−a) of trace d whose a is solved "
                    "for",
            .example = "[10.0, 30.0]",
            .required = required},
           spec.hardness);
    k.check([&] { require_hardness(k, spec); });
  });
}

void sweep_keys(config::keys& k, specification& spec, bool whole, bool requires_hardness) {
  name_keys(k, spec);
  if (whole) {
    k.axis({.name = "models", .help = "names of `[models.NAME]` tables", .example = "[\"lsa\"]", .required = true},
           spec.models);
    k.axis({.name = "mixtures",
            .help = "what to train on: `matched` (the target Σ), `isotropic` (I), `skewed` (λ_j ∝ 1/j, trace d; its "
                    "basis follows the target's `rotation`), mixtures of the candidates of `[tasks]` (below), or names "
                    "of `[mixtures.NAME]` tables",
            .example = "[\"matched\"]",
            .required = true},
           spec.mixtures);
  }
  hardness_keys(k, spec, requires_hardness);
  if (!whole) return;
  k.axis({.name = "n", .help = "examples in a training prompt", .example = "[10, 20, 40]", .required = true}, spec.n,
         {.least = 1, .most = most_examples});
  k.value({.name = "repeats",
           .help = "independent sets of test prompts, of training from samples, and of candidates that are drawn"},
          spec.repeats, {.least = 1, .most = 1'000'000});
  k.value({.name = "record_every",
           .help = "steps of training from one record of its loss to the next; 0: after 0, 1, 2, 4, 8, … steps",
           .unwritten = "0",
           .numbers = false},
          spec.record_every, {.least = 0, .most = most_training_steps});
}

void task_keys(config::keys& k, specification& spec) {
  k.value({.name = "d",
           .help = "dimension of features and weights; beyond 20,000 only where test.sampler is `bidiagonal`",
           .example = "10",
           .required = true},
          spec.d, {.least = 1, .most = most_isotropic_dimensions});
  k.value({.name = "noise",
           .help = "σ², the variance of the noise of labels, y = ⟨w, x⟩ + ε, in training and in tests",
           .unwritten = "0.0"},
          spec.noise, {.least = 0});
  k.part({.name = "weights", .help = "the prior of w, of mean 0 and E[w wᵀ] = I", .unwritten = "'gaussian'"},
         spec.weights, all_weights());
  k.check([&] {
    if (spec.d < 1) return;
    try {
      spec.weights->require_dimension(spec.d);
    } catch (const specification_error& e) {
      k.problem("nonzero", fmt::format("does not do: {}", e.what()));
    }
  });
}

void test_keys(config::keys& k, specification& spec) {
  k.value({.name = "k", .help = "the longest chain; results hold every k = 0 … `k`", .example = "20", .required = true},
          spec.steps, {.least = 0, .most = 1'000'000});
  k.axis({.name = "m", .help = "examples in a test prompt", .example = "1000", .required = true}, spec.m,
         {.least = 1, .most = most_examples});
  k.value({.name = "prompts", .help = "test prompts a cell and m", .example = "1000", .required = true}, spec.prompts,
          {.least = 1, .most = most_examples});
  k.word({.name = "sampler", .help = "how test prompts are drawn"}, spec.sampler, samplers);
  k.value({.name = "baselines",
           .help = "least squares, ridge, gradient descent and the oracle on the same prompts; with `task.noise`, "
                   "ridge with the "
                   "penalty of the Bayes estimate too"},
          spec.baselines);
}

void theory_keys(config::keys& k, specification& spec) {
  constexpr std::int64_t most = 1'000'000;
  k.value({.name = "draws",
           .help = "draws (Wishart matrices, or prompts where features are not Gaussian) that a prediction begins "
                   "with; 0: none are made",
           .numbers = false},
          spec.theory_draws, {.least = 0, .most = most});
  k.fallback(spec.theory_most_draws, default_most_draws(spec.d, spec.steps, spec.theory_draws));
  k.when(spec.theory_draws > 0, "draws = 1 or more", [&] {
    k.value({.name = "most_draws",
             .help = "then twice as many, …, until the best k is settled, at most this many, and at least `draws`. The "
                     "default is `draws`, doubled as often as 5·10⁹ multiplications, 4·10⁶ stored errors and 102,400 "
                     "draws allow: 102,400 for d = 10, k = 20",
             .otherwise = "by work",
             .numbers = false},
            spec.theory_most_draws, {.least = 0, .most = most});
    k.check([&] {
      if (spec.theory_most_draws >= spec.theory_draws) return;
      k.problem("most_draws", fmt::format("is {}, but theory.draws = {} are taken at least", spec.theory_most_draws,
                                          spec.theory_draws));
    });
    k.value({.name = "rarest",
             .help = "divergence in a smaller share of the draws is left out of account",
             .numbers = false},
            spec.theory_rarest, {.most = 1, .above = 0});
  });
}

void selection_keys(config::keys& k, selection_specification& s, int d) {
  k.value({.name = "n",
           .help = "examples in a training prompt; in a sweep every cell has its own",
           .otherwise = "none; `cotscale select` needs it",
           .numbers = false},
          s.n, {.least = 1, .most = most_examples});
  k.count({.name = "m", .help = "examples in a test prompt"}, s.m, {.least = 1, .most = most_examples});
  k.value({.name = "k", .help = "steps of the chain whose error the exact problem minimises"}, s.k,
          {.least = 1, .most = 10'000});
  k.value({.name = "samples", .help = "Wishart draws that stand for the expectation in the first descent"}, s.samples,
          {.least = 1, .most = 100'000});
  k.fallback(s.max_samples, default_max_samples(d, s.samples));
  k.value({.name = "max_samples",
           .help = "the cap of those draws, and of the fresh ones that judge the solution; at least `samples`",
           .otherwise = "10⁷/d², at most 16384, at least `samples`"},
          s.max_samples, {.least = 1, .most = 10'000'000});
  k.after("samples", [&] {
    k.check([&] {
      if (s.max_samples >= s.samples) return;
      k.problem("max_samples", fmt::format("must be at least {}, which is samples, got {}", s.samples, s.max_samples));
    });
  });
  k.value({.name = "draws", .help = "of generated candidates, by `cotscale select`", .numbers = false}, s.draws,
          {.least = 1, .most = 1'000'000});
}

}  // namespace detail
}  // namespace cotscale
