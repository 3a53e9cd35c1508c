// The covariances of a specification: targets, mixtures of one task, candidates.
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>

#include "cotscale/base/error.hpp"
#include "cotscale/experiment/grid.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/task/spectrum.hpp"
#include "isotropy.hpp"

namespace cotscale {
namespace {

// Adds to a key what identifies the owner of a basis of its own.
using identifier = std::function<void(key_builder&)>;

identifier named(std::string owner) {
  return [owner = std::move(owner)](key_builder& key) { key.add(owner); };
}

// By what the table says, not by its name: equal tables have equal bases.
identifier described(const covariance_specification& c) {
  return [&c](key_builder& key) {
    key.add("mixture of a spectrum").add(c.spectrum->word());
    c.spectrum->identify(key, c.scale_to_trace);
  };
}

// An owner is identified by what the specification says of it, never by a computed value, whose last bit may differ
// between hosts: independent rotations differ between owners.
matrix basis_of(const specification& spec, rotation kind, const identifier& owner) {
  switch (kind) {
    case rotation::none:
      return matrix::identity(spec.d);
    case rotation::shared:
      return random_rotation(spec.d, key_builder("shared rotation").add(spec.seed).add(spec.d).key());
    case rotation::independent: {
      key_builder key("independent rotation");
      owner(key.add(spec.seed).add(spec.d));
      return random_rotation(spec.d, key.key());
    }
  }
  throw precondition_error("basis_of: no such rotation");
}

covariance build(const specification& spec, const covariance_specification& c, const identifier& owner) {
  matrix basis = basis_of(spec, c.basis, owner);
  if (const matrix* own = c.spectrum->basis()) basis = c.basis == rotation::none ? *own : product(basis, *own);
  std::vector<double> eigenvalues = c.spectrum->eigenvalues(spec.d);
  if (c.scale_to_trace) eigenvalues = scaled_to_trace(std::move(eigenvalues), spec.d);
  return {std::move(eigenvalues), std::move(basis)};
}

// B of the d directions, drawn without replacement: the first B of a random order.
std::vector<int> random_directions(int d, std::int64_t count, stream_key key) {
  std::vector<int> order(static_cast<std::size_t>(d));
  std::iota(order.begin(), order.end(), 0);
  std::vector<double> uniforms(static_cast<std::size_t>(count));
  fill_uniform(key, 0, uniforms);
  for (std::size_t j = 0; j < uniforms.size(); ++j) {
    const double rest = static_cast<double>(order.size() - j);
    std::swap(order[j], order[j + static_cast<std::size_t>(uniforms[j] * rest)]);
  }
  order.resize(static_cast<std::size_t>(count));
  return order;
}

std::string candidate_name(double exponent, std::int64_t directions, int i) {
  return fmt::format("{}-{}-{}", exponent, directions, i);
}

candidate_tasks generate_candidates(const specification& spec, std::int64_t draw) {
  candidate_tasks out;
  for (const double exponent : spec.tasks.exponents) {
    for (const std::int64_t directions : spec.tasks.directions) {
      for (int i = 0; i < spec.tasks.each; ++i) {
        const std::string name = candidate_name(exponent, directions, i);
        const stream_key key = key_builder("candidate task")
                                   .add(spec.seed)
                                   .add(spec.d)
                                   .add(exponent)
                                   .add(directions)
                                   .add(i)
                                   .add(draw)
                                   .key();
        std::vector<double> eigenvalues(static_cast<std::size_t>(spec.d));
        double j = 1;
        for (const int direction : random_directions(spec.d, directions, key)) {
          eigenvalues[static_cast<std::size_t>(direction)] = std::pow(j++, -exponent);
        }
        out.names.push_back(name);
        out.tasks.emplace_back(
            std::move(eigenvalues),
            basis_of(spec, spec.target.basis, named(fmt::format("candidate {} of draw {}", name, draw))));
      }
    }
  }
  return out;
}

}  // namespace

covariance target_covariance(const specification& spec, double hardness) {
  if (is_scalar(spec)) return covariance::isotropic(spec.d, detail::isotropic_target(spec));
  if (spec.target.features->owns_covariance()) return spec.target.features->own_covariance();
  if (spec.target.spectrum) return build(spec, spec.target, named("target"));
  const double exponent = power_law_exponent(spec.d, hardness);
  return {scaled_to_trace(power_law_spectrum(spec.d, exponent), spec.d),
          basis_of(spec, spec.target.basis, named(fmt::format("target of hardness {}", hardness)))};
}

covariance mixture_covariance(const specification& spec, const std::string& mixture, const covariance& target) {
  if (is_scalar(spec)) return covariance::isotropic(spec.d, detail::isotropic_mixture_value(spec, mixture));
  if (mixture == matched_mixture) return target;
  if (mixture == isotropic_mixture) return covariance(std::vector<double>(static_cast<std::size_t>(spec.d), 1.0));
  if (mixture == skewed_mixture) {
    return {scaled_to_trace(power_law_spectrum(spec.d, 1), spec.d),
            basis_of(spec, spec.target.basis, named("mixture " + mixture))};
  }
  const covariance_specification& task = spec.mixture_tables.at(mixture).task;
  if (task.features->owns_covariance()) return task.features->own_covariance();
  return task.spectrum ? build(spec, task, described(task)) : target;
}

bool depends_on_candidates(const specification& spec, const std::string& mixture) {
  if (is_candidate_mixture(mixture)) return true;
  const auto table = spec.mixture_tables.find(mixture);
  return table != spec.mixture_tables.end() && !table->second.probabilities.empty();
}

std::vector<std::string> candidate_names(const tasks_specification& tasks) {
  if (tasks.stored) return tasks.stored->names;
  std::vector<std::string> names;
  for (const double exponent : tasks.exponents) {
    for (const std::int64_t directions : tasks.directions) {
      for (int i = 0; i < tasks.each; ++i) names.push_back(candidate_name(exponent, directions, i));
    }
  }
  return names;
}

std::shared_ptr<const candidate_tasks> make_candidates(const specification& spec, std::int64_t draw) {
  switch (spec.tasks.source) {
    case tasks_specification::kind::none:
      throw precondition_error("make_candidates: the specification has no [tasks]");
    case tasks_specification::kind::file:
      return spec.tasks.stored;
    case tasks_specification::kind::generated:
      return std::make_shared<const candidate_tasks>(generate_candidates(spec, draw));
  }
  throw precondition_error("make_candidates: no such source");
}

}  // namespace cotscale
