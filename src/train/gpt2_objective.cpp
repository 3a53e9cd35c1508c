#include "cotscale/train/gpt2_objective.hpp"

#include <algorithm>

#include "cotscale/base/error.hpp"
#include "cotscale/model/gpt2_tokens.hpp"
#include "process_chain.hpp"

namespace cotscale {
namespace {

// bar = weight·(output − target), row by row; returns weight·½‖output − target‖².
template<class T, class Target>
double residual(view<const T> output, const Target& target, double weight, view<T> bar) {
  double sum = 0;
  for (int b = 0; b < output.rows; ++b) {
    const double* expected = target(static_cast<std::size_t>(b));
    for (int j = 0; j < output.columns; ++j) {
      const double r = static_cast<double>(output.row(b)[j]) - expected[j];
      bar.row(b)[j] = static_cast<T>(weight * r);
      sum += r * r;
    }
  }
  return 0.5 * weight * sum;
}

}  // namespace

template<class T>
double gpt2_objective<T>::add(const training_objective& objective, int k, std::span<const T> parameters,
                              std::span<const T> transposed, std::span<const prompt> prompts, double weight,
                              std::span<T> gradient) {
  expects(k >= 1 && k <= objective.longest_chain(), "gpt2_objective: k = {}", k);
  using read = typename gpt2_pass<T>::read;
  start_prompts(prompts, k, pass_, prefix_weight_ > 0 ? read::prefixes : read::weights);
  forward(objective, k, parameters, prompts);
  const double loss = residuals(objective, k, prompts, weight);
  if (prefix_weight_ > 0) prefix_residuals(prompts, weight);
  backward(objective, k, parameters, transposed, gradient);
  return loss;
}

template<class T>
void gpt2_objective<T>::losses(const training_objective& objective, int k, std::span<const T> parameters,
                               std::span<const prompt> prompts, std::span<prompt_loss> out) {
  expects(k >= 1 && out.size() >= prompts.size(), "gpt2_objective: k = {}, {} prompts, room for {}", k, prompts.size(),
          out.size());
  start_prompts(prompts, k, pass_);
  forward(objective, k, parameters, prompts);
  std::fill_n(out.begin(), prompts.size(), prompt_loss{});
  const objective_form form = objective.form();
  const bool last_only = form.last_estimate;
  for (int i = last_only ? k - 1 : 0; i < k; ++i) {
    const view<const T> output = pass_.output(i);
    const double weight = 0.5 / (last_only ? 1 : k);
    for (std::size_t b = 0; b < prompts.size(); ++b) {
      const double* target = form.taught ? targets_[b].data() + i * output.columns : prompts[b].w.data();
      for (int j = 0; j < output.columns; ++j) {
        const double r = static_cast<double>(output.row(static_cast<int>(b))[j]) - target[j];
        out[b].model += weight * r * r;
        out[b].zero += weight * target[j] * target[j];
      }
    }
  }
}

template<class T>
void gpt2_objective<T>::forward(const training_objective& objective, int k, std::span<const T> parameters,
                                std::span<const prompt> prompts) {
  const objective_form form = objective.form();
  if (!form.taught) return forward_chain(parameters, k, pass_);
  targets_.clear();
  for (const prompt& p : prompts) targets_.push_back(detail::process_chain(*form.taught, k, p));
  for (int i = 1; i < k; ++i) {
    const view<T> token = pass_.token(pass_.prompt_tokens() + i);
    const int d = token.columns - 1;
    for (int b = 0; b < token.rows; ++b) {
      const double* w = targets_[static_cast<std::size_t>(b)].data() + (i - 1) * d;
      std::transform(w, w + d, token.row(b), [](double x) { return static_cast<T>(x); });
      token.row(b)[d] = 1;
    }
  }
  pass_.forward(parameters, 0, pass_.token_count());
}

template<class T>
double gpt2_objective<T>::residuals(const training_objective& objective, int k, std::span<const prompt> prompts,
                                    double weight) {
  const objective_form form = objective.form();
  const auto weight_of = [&](std::size_t b) { return prompts[b].w.data(); };
  double loss = 0;
  for (int i = 0; i < k; ++i) {
    const view<T> bar = pass_.output_bar(i);
    const view<const T> output = pass_.output(i);
    if (form.taught) {
      const auto target = [&](std::size_t b) { return targets_[b].data() + i * output.columns; };
      loss += residual(output, target, weight / k, bar);
    } else if (!form.last_estimate) {
      loss += residual(output, weight_of, weight / k, bar);
    } else if (i == k - 1) {
      loss += residual(output, weight_of, weight, bar);
    } else {
      for (int b = 0; b < bar.rows; ++b) std::fill_n(bar.row(b), bar.columns, T{0});
    }
  }
  return loss;
}

// Every prefix is to tell w itself, also where the objective teaches a chain.
template<class T>
void gpt2_objective<T>::prefix_residuals(std::span<const prompt> prompts, double weight) {
  const auto weight_of = [&](std::size_t b) { return prompts[b].w.data(); };
  const int n = pass_.prompt_tokens() / 2;
  for (int i = 0; i < n; ++i) {
    residual(pass_.prefix_output(i), weight_of, weight * prefix_weight_ / n, pass_.prefix_output_bar(i));
  }
}

template<class T>
void gpt2_objective<T>::backward(const training_objective& objective, int k, std::span<const T> parameters,
                                 std::span<const T> transposed, std::span<T> gradient) {
  const bool through_tokens = objective.form().through_tokens;
  pass_.start_backward(transposed);
  int last = pass_.token_count();
  for (int i = k - 1; through_tokens && i > 0; --i) {
    pass_.backward(parameters, pass_.prompt_tokens() + i, last--, gradient);
    // token i is (output i − 1, 1)
    const view<const T> token_bar = pass_.token_bar(i);
    const view<T> bar = pass_.output_bar(i - 1);
    for (int b = 0; b < bar.rows; ++b) {
      for (int j = 0; j < bar.columns; ++j) bar.row(b)[j] += token_bar.row(b)[j];
    }
  }
  pass_.backward(parameters, 0, last, gradient);
}

template class gpt2_objective<float>;
template class gpt2_objective<double>;

}  // namespace cotscale
