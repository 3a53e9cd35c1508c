#include "cotscale/model/gpt2_tokens.hpp"

#include <algorithm>

#include "cotscale/base/error.hpp"

namespace cotscale {

template<class T>
void start_prompts(std::span<const prompt> prompts, int steps, gpt2_pass<T>& pass, typename gpt2_pass<T>::read where) {
  expects(!prompts.empty(), "start_prompts: no prompts");
  const int d = prompts.front().x.rows(), m = prompts.front().x.columns();
  pass.start(static_cast<int>(prompts.size()), 2 * m, steps, where);
  for (int t = 0; t <= 2 * m; ++t) {
    const view<T> rows = pass.token(t);
    expects(rows.columns == d + 1, "start_prompts: d = {}, tokens of {} numbers", d, rows.columns);
    std::fill_n(rows.data, static_cast<std::ptrdiff_t>(rows.rows) * rows.columns, T{0});
    for (int b = 0; b < rows.rows; ++b) {
      const prompt& p = prompts[static_cast<std::size_t>(b)];
      expects(p.x.rows() == d && p.x.columns() == m, "start_prompts: x ({}, {}) among ({}, {})", p.x.rows(),
              p.x.columns(), d, m);
      T* token = rows.row(b);
      if (t == 2 * m) {
        token[d] = 1;
      } else if (t % 2 == 0) {
        for (int j = 0; j < d; ++j) token[j] = static_cast<T>(p.x(j, t / 2));
      } else {
        token[0] = static_cast<T>(p.y[static_cast<std::size_t>(t / 2)]);
      }
    }
  }
}

template<class T>
void write_estimate(int i, gpt2_pass<T>& pass) {
  const view<const T> estimate = pass.output(i - 1);
  const view<T> token = pass.token(pass.prompt_tokens() + i);
  for (int b = 0; b < token.rows; ++b) {
    std::copy_n(estimate.row(b), estimate.columns, token.row(b));
    token.row(b)[estimate.columns] = 1;
  }
}

template<class T>
void forward_chain(std::span<const T> parameters, int steps, gpt2_pass<T>& pass) {
  const int first = pass.prompt_tokens();
  pass.forward(parameters, 0, first + 1);
  for (int i = 1; i < steps; ++i) {
    write_estimate(i, pass);
    pass.forward(parameters, first + i, first + i + 1);
  }
}

#define COTSCALE_INSTANTIATE(T)                                                                             \
  template void start_prompts<T>(std::span<const prompt>, int, gpt2_pass<T>&, typename gpt2_pass<T>::read); \
  template void write_estimate<T>(int, gpt2_pass<T>&);                                                      \
  template void forward_chain<T>(std::span<const T>, int, gpt2_pass<T>&);
COTSCALE_INSTANTIATE(float)
COTSCALE_INSTANTIATE(double)
#undef COTSCALE_INSTANTIATE

}  // namespace cotscale
