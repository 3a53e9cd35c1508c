#include "cotscale/store/selection_file.hpp"

#include <limits>
#include <map>

#include "cotscale/base/error.hpp"

namespace cotscale {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

class selection_writer {
 public:
  selection_writer(hdf5_file& file, const selection_results& results) : file_(file), results_(results) {
    lengths_ = {{"draw", results.draws.size()},
                {"solution", selection_names.size()},
                {"problem", selection_names.size()},
                {"plain", plain_mixture_names.size()},
                {"task", results.tasks.size()}};
  }

  void write() {
    const std::vector<std::string> names(selection_names.begin(), selection_names.end());
    if (results_.has_draw_axis) {
      std::vector<std::int64_t> numbers(results_.draws.size());
      for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<std::int64_t>(i);
      file_.create_dataset<std::int64_t>("draw", {numbers.size()}, 0);
      file_.write<std::int64_t>("draw", numbers);
      file_.make_scale("draw");
      describe("draw", "draw of the candidate tasks");
    }
    strings("solution", names, "mixture that solves this problem");
    strings("problem", names, "problem whose objective is evaluated");
    strings("plain", {plain_mixture_names.begin(), plain_mixture_names.end()}, "plain mixture of the candidates");
    strings("task", results_.tasks, "candidate task");
    variable("hardness", {"task"}, results_.hardness, "tr(Lambda)/lambda_min(Lambda)");
    variable("support_hardness", {"task"}, results_.support_hardness, "tr(Lambda)/smallest non-zero eigenvalue");
    variable("probability", drawn({"solution", "task"}), gathered([](const selection_record& r) {
               std::vector<double> values = r.probability[0];
               values.insert(values.end(), r.probability[1].begin(), r.probability[1].end());
               return values;
             }),
             "share of the training prompts that have this task");
    variable("objective", drawn({"solution", "problem"}), gathered([](const selection_record& r) {
               return std::vector<double>{r.objective[0][0], r.objective[0][1], r.objective[1][0], r.objective[1][1]};
             }),
             "objective of the problem at the solution");
    variable("kkt_residual", drawn({}),
             gathered([](const selection_record& r) { return std::vector<double>{r.kkt_residual}; }),
             "relative KKT residual of the quadratic programme's solution");
    write_exact_problem();
  }

 private:
  // What tells how far the exact problem's solution can be trusted.
  void write_exact_problem() {
    const auto solutions = [&](const char* name, double selection_value::*member, const char* long_name) {
      variable(name, drawn({"solution"}), gathered([&](const selection_record& r) {
                 return std::vector<double>{r.value[0].*member, r.value[1].*member};
               }),
               long_name);
    };
    solutions("objective_stderr", &selection_value::standard_error, "standard error of the exact problem's objective");
    solutions("objective_median", &selection_value::median, "median error over fresh draws of the sample covariance");
    solutions("objective_training", &selection_value::training,
              "exact problem's objective on the draws of the descent");
    solutions("tail_share", &selection_value::tail_share,
              "share of the exact problem's objective that is due to the worst hundredth of the draws");
    const auto plain = [&](const char* name, double selection_value::*member, const char* long_name) {
      variable(name, drawn({"plain"}), gathered([&](const selection_record& r) {
                 std::vector<double> values;
                 for (const selection_value& v : r.plain) values.push_back(v.*member);
                 return values;
               }),
               long_name);
    };
    plain("plain_objective", &selection_value::objective, "exact problem's objective of a plain mixture");
    plain("plain_objective_stderr", &selection_value::standard_error, "standard error of plain_objective");
    const auto numbers = [&](const char* name, auto value_of, const char* long_name) {
      variable(name, drawn({}), gathered([&](const selection_record& r) {
                 return std::vector<double>{static_cast<double>(value_of(r))};
               }),
               long_name);
    };
    numbers(
        "stationarity", [](const selection_record& r) { return r.stationarity; },
        "slope of ln F towards the best task where the descent on the exact problem ended");
    numbers(
        "descended", [](const selection_record& r) { return r.descended; },
        "1 if the exact solution is where the descent ended, 0 if it is a start that is better on fresh draws");
    numbers(
        "samples", [](const selection_record& r) { return r.samples; }, "draws that the last descent saw");
    numbers(
        "fresh_samples", [](const selection_record& r) { return r.fresh_samples; }, "draws that judged the solution");
    numbers(
        "settled", [](const selection_record& r) { return r.settled; },
        "1 if training and fresh draws agree and are as exact as asked for, 0 if select.max_samples was reached");
  }

  std::vector<std::string> drawn(std::vector<std::string> axes) const {
    if (results_.has_draw_axis) axes.insert(axes.begin(), "draw");
    return axes;
  }

  template<class Values>
  std::vector<double> gathered(Values values_of) const {
    std::vector<double> all;
    for (const selection_record& r : results_.draws) {
      const std::vector<double> values = values_of(r);
      all.insert(all.end(), values.begin(), values.end());
    }
    return all;
  }

  void describe(const std::string& name, const std::string& long_name) {
    file_.set_attribute(name, "long_name", long_name);
    file_.set_attribute(name, "units", std::string("1"));
  }

  void strings(const std::string& name, const std::vector<std::string>& values, const std::string& long_name) {
    file_.create_strings(name, {values.size()}, values);
    file_.make_scale(name);
    file_.set_attribute(name, "long_name", long_name);
  }

  void variable(const std::string& name, const std::vector<std::string>& axes, const std::vector<double>& values,
                const std::string& long_name) {
    extents shape;
    for (const std::string& axis : axes) shape.push_back(lengths_.at(axis));
    file_.create_dataset<double>(name, shape, nan);
    file_.write<double>(name, values);
    for (unsigned i = 0; i < axes.size(); ++i) file_.attach_scale(name, i, axes[i]);
    describe(name, long_name);
  }

  hdf5_file& file_;
  const selection_results& results_;
  std::map<std::string, std::size_t> lengths_;
};

}  // namespace

bool is_selection_file(const std::string& path) {
  if (const std::optional<file_kind> kind = sealed_kind(path)) return *kind == file_kind::selection;
  try {
    const hdf5_file file = hdf5_file::open_read(path);
    return has_our_title(file) && file.text_attribute("/", "title").starts_with(selection_title);
  } catch (const io_error&) {
    return false;
  }
}

void write_selection(const std::string& path, const selection_results& results, const std::string& config_toml,
                     const provenance& attributes) {
  const std::uint64_t bytes = results.draws.size() * results.tasks.size() * selection_names.size() * sizeof(double);
  create_file(path, file_kind::selection, bytes, attributes, config_toml,
              [&](hdf5_file& file, file_description&) { selection_writer(file, results).write(); });
}

}  // namespace cotscale
