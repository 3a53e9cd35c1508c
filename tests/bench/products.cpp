// Products of the shapes that GPT-2-style models need, of single precision on one thread: the share of a core's rate of
// multiply-adds that linalg's products and OpenBLAS's reach, in turn in one run, medians.
#include <cblas.h>
#include <fmt/format.h>

#include <array>
#include <vector>

#include "bench.hpp"
#include "cotscale/linalg/products.hpp"

using namespace cotscale;

namespace {

constexpr int rows = 704;  // eight prompts of 88 tokens

// y (rows, out) = x·w, or the derivative by x, or by w, to which it is added.
struct layer {
  int in, out;
  enum class pass : std::uint8_t { forward, by_input, by_weights } what;

  product_shape shape() const {
    switch (what) {
      case pass::by_input:
        return {.rows = rows,
                .depth = out,
                .columns = in,
                .stride_a = out,
                .stride_b = out,
                .stride_c = in,
                .op_b = transpose::yes};
      case pass::by_weights:
        return {.rows = in,
                .depth = rows,
                .columns = out,
                .stride_a = in,
                .stride_b = out,
                .stride_c = out,
                .op_a = transpose::yes,
                .add = true};
      default:
        return {.rows = rows, .depth = in, .columns = out, .stride_a = in, .stride_b = out, .stride_c = out};
    }
  }
};

CBLAS_TRANSPOSE flag(transpose op) { return op == transpose::yes ? CblasTrans : CblasNoTrans; }

struct rates {
  double ours, blas;
};

rates measure(const product_shape& s) {
  const auto numbers = [](int a, int b) {
    return std::vector<float>(static_cast<std::size_t>(a) * static_cast<std::size_t>(b), 0.5F);
  };
  const std::vector<float> a = numbers(s.rows, s.depth), b = numbers(s.depth, s.columns);
  std::vector<float> c = numbers(s.rows, s.columns);
  const shaped_product<float> product(s);
  const auto ours = [&] { product(a.data(), b.data(), c.data()); };
  const auto blas = [&] {
    cblas_sgemm(CblasRowMajor, flag(s.op_a), flag(s.op_b), s.rows, s.columns, s.depth, 1, a.data(), s.stride_a,
                b.data(), s.stride_b, s.add ? 1 : 0, c.data(), s.stride_c);
  };
  std::vector<double> with_ours, with_blas;
  for (int turn = 0; turn < bench::sized(9, 1); ++turn) {
    with_ours.push_back(bench::cpu_seconds_of(ours, 0.02));
    with_blas.push_back(bench::cpu_seconds_of(blas, 0.02));
  }
  const double operations = 2.0 * s.rows * s.depth * s.columns;
  return {.ours = operations / bench::median(with_ours), .blas = operations / bench::median(with_blas)};
}

}  // namespace

int main() {
  const blas_threads one(1);
  const double peak = bench::peak_rate();
  fmt::print("{}; a core's multiply-adds: {:.0f} GFLOP/s\n", products_library(), 1e-9 * peak);
  fmt::print("in → out      forward          by input         by weights   (of the core's; over OpenBLAS {})\n",
             blas_core_name());
  for (const int width : {64, 128, 256}) {
    for (const auto& [in, out] :
         {std::array{width, 3 * width}, {width, width}, {width, 4 * width}, {4 * width, width}}) {
      fmt::print("{:4} → {:4}", in, out);
      for (const layer::pass what : {layer::pass::forward, layer::pass::by_input, layer::pass::by_weights}) {
        const rates found = measure(layer{.in = in, .out = out, .what = what}.shape());
        fmt::print("    {:.2f}; {:5.2f} ×", found.ours / peak, found.ours / found.blas);
      }
      fmt::print("\n");
    }
  }
}
