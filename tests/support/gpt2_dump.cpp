// What test_gpt2.py compares with PyTorch. Numbers in files are raw, float64.
//   gpt2_dump layout                         a line for every parameter: name, offset, shape
//   gpt2_dump gradient DIR PRECISION KIND PREFIX_WEIGHT
//                                            reads DIR/parameters; writes prompts, outputs (k, B, d), loss, gradient
//   gpt2_dump adam DIR KIND STEPS            the same prompts at every step: writes DIR/losses
//   gpt2_dump roll_out DIR                   writes DIR/errors (k + 1, B) of test prompts
// Before these words may stand positions=WORD and weight_positions=WORD, as a specification has them.
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "cotscale/eval/gpt2.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/train/gpt2.hpp"
#include "cotscale/train/gpt2_objective.hpp"

using namespace cotscale;

namespace {

constexpr int d = 5, n = 10, steps = 4, batch = 12;
constexpr stream_key key{7, 8};

// Takes the words that choose positions from the front of the others.
gpt2_configuration taken_from(std::vector<std::string>& words) {
  gpt2_configuration out{.d = d, .size = gpt2_tiny, .examples = n, .chain = steps};
  while (!words.empty() && words.front().find('=') != std::string::npos) {
    const std::string word = words.front();
    words.erase(words.begin());
    if (word == "positions=sinusoidal") out.positions = example_positions::sinusoidal;
    if (word == "positions=none") out.positions = example_positions::none;
    if (word == "weight_positions=shared") out.weights = weight_positions::shared;
  }
  return out;
}

covariance sigma() { return covariance(std::vector<double>{2, 1, 1, 0.6, 0.4}); }

std::vector<double> read(const std::string& path, std::size_t size) {
  std::vector<double> out(size);
  std::ifstream file(path, std::ios::binary);
  file.exceptions(std::ios::failbit | std::ios::badbit);
  file.read(reinterpret_cast<char*>(out.data()), static_cast<std::streamsize>(size * sizeof(double)));
  return out;
}

template<class T>
void write(const std::string& path, const std::vector<T>& values) {
  const std::vector<double> doubles(values.begin(), values.end());
  std::ofstream file(path, std::ios::binary);
  file.exceptions(std::ios::failbit | std::ios::badbit);
  file.write(reinterpret_cast<const char*>(doubles.data()),
             static_cast<std::streamsize>(doubles.size() * sizeof(double)));
}

template<class T>
std::vector<T> parameters(const gpt2_layout& layout, const std::string& directory) {
  const std::vector<double> values = read(directory + "/parameters", layout.size());
  return {values.begin(), values.end()};
}

std::shared_ptr<const training_objective> objective_of(const std::string& kind) {
  if (kind == "direct") return objective_named(kind);
  const std::string chain = fmt::format("k_train = {}\n", steps);
  if (!kind.starts_with("process")) return objective_named(kind, chain);
  return objective_named("process", chain + "eta = 0.4\n" + (kind == "process_gd" ? "targets = 'gd'" : ""));
}

// x (B, d, n), y (B, n) and w (B, d).
void write_prompts(const std::string& directory, const std::vector<prompt>& prompts) {
  std::vector<double> x, y, w;
  for (const prompt& p : prompts) {
    x.insert(x.end(), p.x.values().begin(), p.x.values().end());
    y.insert(y.end(), p.y.begin(), p.y.end());
    w.insert(w.end(), p.w.begin(), p.w.end());
  }
  write(directory + "/x", x);
  write(directory + "/y", y);
  write(directory + "/w", w);
}

std::vector<prompt> training_prompts() {
  const mixture_prompts source = gpt2_training_prompts(task_mixture(sigma()), n, key);
  std::vector<prompt> out(batch);
  for (std::size_t i = 0; i < out.size(); ++i) source.draw(i, d, n, out[i]);
  return out;
}

template<class T>
void dump_gradient(const gpt2_layout& layout, const std::string& directory, const std::string& kind,
                   double prefix_weight) {
  const auto objective = objective_of(kind);
  const int k = objective->longest_chain();
  const std::vector<prompt> prompts = training_prompts();
  std::vector<T> gradient(layout.size()), outputs;
  gpt2_objective<T> loss(layout, prefix_weight);
  const std::vector<T> given = parameters<T>(layout, directory);
  std::vector<T> transposed(given.size());
  transpose_maps<T>(layout, given, transposed);
  const double value = loss.add(*objective, k, given, transposed, prompts, 1.0 / batch, gradient);
  for (int i = 0; i < k; ++i) outputs.insert(outputs.end(), loss.output(i).data, loss.output(i).data + batch * d);
  write_prompts(directory, prompts);
  write(directory + "/outputs", outputs);
  write(directory + "/loss", std::vector<double>{value});
  write(directory + "/gradient", gradient);
}

void dump_adam(const gpt2_layout& layout, const std::string& directory, const std::string& kind, std::int64_t updates) {
  gpt2_options options;
  options.size = gpt2_tiny;
  options.positions = layout.configuration().positions;
  options.weights = layout.configuration().weights;
  options.objective = objective_of(kind);
  options.optimizer.learning_rate = 1e-5;
  options.optimizer.schedule = schedule_named("constant");
  options.steps = updates;
  options.batch = batch;
  options.fresh_prompts = false;
  options.given = parameters<float>(layout, directory);
  std::vector<std::int64_t> every;
  for (std::int64_t t = 0; t < updates; ++t) every.push_back(t);
  write(directory + "/losses", train_gpt2(task_mixture(sigma()), n, options, key, every, {}).record.loss);
  write_prompts(directory, training_prompts());
}

void dump_roll_out(const gpt2_layout& layout, const std::string& directory) {
  const gpt2_model model{layout.configuration(), parameters<float>(layout, directory)};
  const prompt_source source(sigma(), n, key);
  write(directory + "/errors", evaluate_gpt2(model, matrix::identity(d), steps, source, batch, {}).errors.values);
  std::vector<prompt> prompts(batch);
  for (std::size_t i = 0; i < prompts.size(); ++i) source.draw(i, prompts[i]);
  write_prompts(directory, prompts);
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  const gpt2_layout layout(taken_from(words));
  const blas_threads one(1);
  if (words.size() == 1 && words[0] == "layout") {
    for (const gpt2_tensor& t : layout.tensors()) fmt::print("{} {} {}\n", t.name, t.offset, fmt::join(t.shape, " "));
  } else if (words.size() == 5 && words[0] == "gradient") {
    (words[2] == "float" ? dump_gradient<float> : dump_gradient<double>)(layout, words[1], words[3],
                                                                         std::stod(words[4]));
  } else if (words.size() == 4 && words[0] == "adam") {
    dump_adam(layout, words[1], words[2], std::stoll(words[3]));
  } else if (words.size() == 2 && words[0] == "roll_out") {
    dump_roll_out(layout, words[1]);
  } else {
    return 2;
  }
}
