#include <algorithm>
#include <cmath>
#include <limits>

#include "../learning_report.hpp"
#include "../lsa/keys.hpp"
#include "../lsa/tensors.hpp"
#include "cotscale/architecture/machine.hpp"
#include "cotscale/base/error.hpp"
#include "cotscale/base/parallel.hpp"
#include "cotscale/base/stop.hpp"
#include "cotscale/config/part_definition.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/model/lsa_chain.hpp"
#include "cotscale/train/learning_keys.hpp"
#include "cotscale/train/softmax.hpp"

namespace cotscale {
namespace architectures {
namespace {

// A chain's multiplications by V and W, and its look at every key.
double chain_flops(double d, double n, double steps, bool own_columns) {
  const double width = 2 * d + 2;
  return steps * (4 * width * width + 4 * n * d + (own_columns ? 4 * steps * width : 0));
}

class trained_softmax : public trained_sequence {
 public:
  trained_softmax(softmax_training trained, const softmax_options& options)
      : model_(std::move(trained.model)), own_columns_(options.own_columns) {
    report_ = report_of(trained.record, options.learning);
    report_.w24 = model_.w(lsa_rows{model_.dimension()}.label(), lsa_rows{model_.dimension()}.flag());
  }

  bool at_optimum() const override { return false; }

  // Scores depend on units: it reads the features as they are.
  chain_evaluation evaluate(const chain_test& test, const std::stop_token& stop) const override {
    chain_evaluation out;
    out.errors = blank_errors(test.steps + 1, test.prompts);
    const prompt_source source = test.given_examples();
    const blas_threads one(1);
    parallel_for(test.prompts, [&](int i) {
      throw_if_stopped(stop);
      thread_local prompt p;
      source.draw(static_cast<std::uint64_t>(i), p);
      softmax_chain chain(own_columns_);
      chain.start(p);
      for (int k = 0; k <= test.steps; ++k) {
        if (k > 0) chain.append(chain.apply(model_));
        const auto estimate = chain.token(k).subspan(p.w.size() + 1, p.w.size());
        double square = 0;
        for (std::size_t j = 0; j < p.w.size(); ++j) square += (estimate[j] - p.w[j]) * (estimate[j] - p.w[j]);
        out.errors.row(k)[static_cast<std::size_t>(i)] = square;
      }
    });
    return out;
  }

  std::vector<tensor_values> tensors() const override { return values_of(model_); }

 private:
  lsa_parameters model_;
  bool own_columns_;
};

}  // namespace

class softmax final : public sequence_model {
 public:
  std::string_view word() const override { return "softmax"; }
  std::string_view help() const override { return "a layer of softmax attention, which learns from samples only"; }
  std::shared_ptr<sequence_model> clone() const override { return std::make_shared<softmax>(*this); }
  int version() const override { return 1; }

  void keys(config::keys& k, const key_choice& which, stored_weights& stored) override {
    lsa_options& o = options_.learning;
    if (which.of_training) {
      samples_word(k, word());
      objective_word(k, o.objective);
    }
    k.when(true, R"(training = "samples")", [&] {
      if (which.of_training) {
        learning_keys(k, o);
        entry_keys(k, o);
      }
      if (which.of_model) beginning_keys(k, o, stored);
    });
    if (!which.of_model) return;
    scale_key(k, o.c);
    k.value({.name = "own_columns", .help = "attention also reads the chain's own columns"}, options_.own_columns);
  }

  std::vector<std::string_view> keys_of_parameters() const override { return {"own_columns"}; }
  model_limits limits() const override { return {.needs_examples = true}; }
  bool has_theory() const override { return false; }
  std::vector<model_tensor> tensors(int d, int) const override { return tensors_of_v_and_w(d); }
  bool learns_from_samples() const override { return true; }
  std::int64_t most_training_steps() const override { return options_.learning.steps; }
  double map_tolerance() const override { return training_report::missing; }

  void require_range(const std::string& model, const std::string& key, double largest, bool) const override {
    if (std::isfinite(largest * largest)) return;
    throw specification_error(
        fmt::format("{}: has the eigenvalue {:.3g}, for which the scores and gradients of models.{} are beyond what a "
                    "double holds; scale the covariances down",
                    key, largest, model));
  }

  std::unique_ptr<const trained_sequence> train(const training_problem& problem,
                                                const std::stop_token& stop) const override {
    softmax_options options = options_;
    begin_with_initial(problem, options.learning);
    const auto steps = problem.recorded_within(options.learning.steps);
    return std::make_unique<trained_softmax>(train_softmax(problem.tasks, problem.n, options, problem.key, steps, stop),
                                             options);
  }

  double training_seconds(double d, double n, bool) const override {
    const lsa_options& o = options_.learning;
    const double flops = 3 * chain_flops(d, n, o.objective->longest_chain(), options_.own_columns);
    return static_cast<double>(o.steps) * o.batch *
           (n * d * cost::seconds_per_normal + 2 * n * d * d * cost::seconds_per_flop +
            flops * cost::seconds_per_attention_flop);
  }
  int busy_threads(int, int, int threads) const override { return std::min(threads, most_shards); }
  double chain_seconds(double d, double m, double steps) const override {
    return chain_flops(d, m, steps, options_.own_columns) * cost::seconds_per_attention_flop;
  }
  double chain_numbers(double d, double m, double steps) const override { return steps * (8 * d + 8 + m + steps); }
  double bytes(int, int, int, int, int, int) const override { return 0; }  // little beside the matrices of a cell

 private:
  softmax_options options_;
};

}  // namespace architectures

template const sequence_model& config::part<sequence_model, architectures::softmax>();

}  // namespace cotscale
