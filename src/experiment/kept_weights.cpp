#include "kept_weights.hpp"

#include <algorithm>
#include <utility>

namespace cotscale::detail {
namespace {

int largest_n(const specification& spec) { return static_cast<int>(*std::max_element(spec.n.begin(), spec.n.end())); }

std::vector<model_tensor> kept_tensors(const specification& spec, const model_specification& table,
                                       model_tensor::number type) {
  if (!table.keep_weights) return {};
  std::vector<model_tensor> out = table.architecture->tensors(spec.d, largest_n(spec));
  std::erase_if(out, [&](const model_tensor& t) { return t.type != type; });
  return out;
}

std::vector<weight_variable> variables_of(const std::vector<model_tensor>& tensors, const std::string& prefix) {
  std::vector<weight_variable> out;
  for (const model_tensor& t : tensors) {
    weight_variable weight{.name = prefix + t.name, .shape = t.shape};
    for (const std::string& dimension : t.dimensions) weight.dimensions.push_back(prefix + dimension);
    out.push_back(std::move(weight));
  }
  return out;
}

// HDF5 reads / as a path; blanks and = separate words of the file's description.
bool can_begin_a_name(const std::string& model) {
  return !model.empty() && std::none_of(model.begin(), model.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= ' ' || byte == 0x7F || c == '/' || c == '=';
  });
}

}  // namespace

std::vector<weight_variable> kept_weights(const specification& spec) {
  std::vector<weight_variable> shared, separate;
  bool equal = true;
  for (const auto& [name, table] : spec.model_tables) {
    const std::vector<model_tensor> tensors = kept_tensors(spec, table, model_tensor::number::f32);
    if (tensors.empty()) continue;
    const std::vector<weight_variable> own = variables_of(tensors, "");
    equal = equal && (shared.empty() || own == shared);
    shared = own;
    const std::vector<weight_variable> named = variables_of(tensors, name + ".");
    separate.insert(separate.end(), named.begin(), named.end());
  }
  return equal ? shared : separate;
}

void require_variable_names(const specification& spec, config::keys& sweep) {
  if (spec.n.empty() || spec.d < 1) return;
  const std::vector<weight_variable> kept = kept_weights(spec);
  for (const auto& [name, table] : spec.model_tables) {
    const auto has_its_name = [&, prefix = name + "."](const weight_variable& w) { return w.name.starts_with(prefix); };
    if (can_begin_a_name(name) || std::none_of(kept.begin(), kept.end(), has_its_name)) continue;
    sweep.problem("models",
                  fmt::format("names \"{}\", which keeps weights of shapes of its own, so that their variables "
                              "are named after it; choose a name without blanks, / and =",
                              name));
  }
}

std::size_t kept_rows(const specification& spec) {
  std::size_t rows = 0;
  for (const auto& [name, table] : spec.model_tables) {
    for (const model_tensor& t : kept_tensors(spec, table, model_tensor::number::f64)) {
      rows = std::max(rows, static_cast<std::size_t>(t.shape.front()));
    }
  }
  return rows;
}

std::size_t kept_number(const coordinates& grid, const std::string& model, const std::string& tensor) {
  const auto find = [&](const std::string& name) {
    return std::find_if(grid.weights.begin(), grid.weights.end(),
                        [&](const weight_variable& w) { return w.name == name; });
  };
  const auto own = find(model + "." + tensor);
  const auto found = own != grid.weights.end() ? own : find(tensor);
  return static_cast<std::size_t>(found - grid.weights.begin());
}

}  // namespace cotscale::detail
