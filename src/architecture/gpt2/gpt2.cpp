#include "gpt2.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "../learning_report.hpp"
#include "cotscale/base/error.hpp"
#include "cotscale/eval/gpt2.hpp"

namespace cotscale::architectures {
namespace {

// What the dimensions of a parameter are indices of. The two of a square matrix have different names: readers cannot
// tell equal ones apart.
std::vector<std::string> dimensions_of(const gpt2_tensor& tensor) {
  struct rule {
    std::string_view ending;
    std::vector<std::string> dimensions;
  };
  static const std::vector<rule> rules{{"read_in.weight", {"embedding", "token_entry"}},
                                       {"wpe.weight", {"position", "embedding"}},
                                       {"attn.c_attn.weight", {"embedding", "query_key_value"}},
                                       {"attn.c_attn.bias", {"query_key_value"}},
                                       {"attn.c_proj.weight", {"attended", "embedding"}},
                                       {"mlp.c_fc.weight", {"embedding", "hidden"}},
                                       {"mlp.c_fc.bias", {"hidden"}},
                                       {"mlp.c_proj.weight", {"hidden", "embedding"}},
                                       {"read_out.weight", {"component", "embedding"}},
                                       {"read_out.bias", {"component"}}};
  const auto found =
      std::find_if(rules.begin(), rules.end(), [&](const rule& r) { return tensor.name.ends_with(r.ending); });
  return found != rules.end() ? found->dimensions : std::vector<std::string>{"embedding"};
}

class trained_gpt2 : public trained_sequence {
 public:
  trained_gpt2(gpt2_training trained, const gpt2_options& options) : model_(std::move(trained.model)) {
    report_ = report_of(trained.record, options);
    report_.seconds = trained.record.seconds;
    report_.tokens_per_second = trained.record.tokens_per_second;
  }

  bool at_optimum() const override { return false; }

  // It reads the features as they are.
  chain_evaluation evaluate(const chain_test& test, const std::stop_token& stop) const override {
    return evaluate_gpt2(model_, times_power_of_two(test.exact, -test.unit), test.steps, test.given_examples(),
                         test.prompts, stop);
  }

  std::vector<tensor_values> tensors() const override {
    std::vector<tensor_values> out;
    const gpt2_layout layout(model_.configuration);
    for (const gpt2_tensor& tensor : layout.tensors()) {
      const auto first = model_.parameters.begin() + static_cast<std::ptrdiff_t>(tensor.offset);
      out.push_back({.name = tensor.name,
                     .values = std::vector<float>(first, first + static_cast<std::ptrdiff_t>(tensor.size()))});
    }
    return out;
  }

 private:
  gpt2_model model_;
};

}  // namespace

model_limits gpt2::limits() const {
  model_limits out{.needs_examples = true,
                   .examples_of_training = options_.positions == example_positions::learned,
                   .least_steps = 1,
                   .more_examples = R"(set its positions to "sinusoidal" or "none")"};
  if (options_.weights == weight_positions::shared) return out;
  out.most_steps = std::max(options_.room, options_.objective->longest_chain());
  out.longer_chains =
      fmt::format(R"({}, or set weight_positions = "shared", with which a chain of any length can be tested)",
                  options_.objective->form().has_chain ? "raise k_train" : "choose an objective that has k_train");
  return out;
}

std::vector<model_tensor> gpt2::tensors(int d, int n) const {
  std::vector<model_tensor> out;
  const gpt2_layout layout(trained_configuration(d, n, options_));
  for (const gpt2_tensor& tensor : layout.tensors()) {
    out.push_back({.name = tensor.name,
                   .type = model_tensor::number::f32,
                   .shape = {tensor.shape.begin(), tensor.shape.end()},
                   .dimensions = dimensions_of(tensor)});
  }
  return out;
}

void gpt2::require_range(const std::string& model, const std::string& key, double largest, bool) const {
  if (std::sqrt(largest) <= std::numeric_limits<float>::max()) return;
  throw specification_error(
      fmt::format("{}: has the eigenvalue {:.3g}, whose features are beyond the single precision that the transformer "
                  "models.{} computes in; scale the covariances down",
                  key, largest, model));
}

std::unique_ptr<const trained_sequence> gpt2::train(const training_problem& problem,
                                                    const std::stop_token& stop) const {
  gpt2_options options = options_;
  if (problem.initial != nullptr) {
    options.given.clear();
    const gpt2_layout layout(trained_configuration(problem.tasks.dimension(), problem.n, options));
    for (const gpt2_tensor& tensor : layout.tensors()) {
      const std::vector<float> values = floats_of(*problem.initial, tensor.name, tensor.size());
      options.given.insert(options.given.end(), values.begin(), values.end());
    }
  }
  const auto steps = problem.recorded_within(options.steps);
  return std::make_unique<trained_gpt2>(train_gpt2(problem.tasks, problem.n, options, problem.key, steps, stop),
                                        options);
}

}  // namespace cotscale::architectures
