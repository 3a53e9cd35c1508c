// Keys with several values: axes and lists.
#include <fmt/format.h>

#include <set>
#include <sstream>
#include <utility>

#include "cotscale/config/field.hpp"
#include "cotscale/config/range.hpp"

namespace cotscale::config {
namespace {

std::optional<std::vector<double>> range_of(const toml::table& table, const std::string& path, problem_list& problems,
                                            const limits<double>&) {
  return read_range(table, path, problems);
}

std::optional<std::vector<std::int64_t>> range_of(const toml::table& table, const std::string& path,
                                                  problem_list& problems, const limits<std::int64_t>&) {
  return read_integer_range(table, path, problems);
}

// Reads a value or every element of a list with `element`, which adds its own problems; duplicates are one.
template<class T, class Read>
bool read_elements(const toml::node& node, const std::string& path, problem_list& problems, std::vector<T>& out,
                   Read element) {
  const toml::array* list = node.as_array();
  if (list != nullptr && list->empty()) {
    problems.add(&node, path + " is an empty list; give at least one value");
    return false;
  }
  std::vector<T> values;
  std::set<T> seen;
  bool sound = true;
  const auto add = [&](const toml::node& one) {
    const std::optional<T> value = element(one);
    sound = sound && value.has_value();
    if (!value) return;
    if (seen.insert(*value).second) return values.push_back(*value);
    problems.add(&one, fmt::format("{} has the value {} twice", path, shown(one)));
    sound = false;
  };
  if (list == nullptr) {
    add(node);
  } else {
    for (const toml::node& one : *list) add(one);
  }
  out = std::move(values);
  return sound;
}

template<class T>
class number_axis final : public field {
 public:
  number_axis(std::vector<T>& member, const limits<T>& allowed) : member_(member), allowed_(allowed) {}
  std::string type() const override { return type_of(fmt::format("axis of {}s", number_name<T>), allowed_); }
  std::string text() const override { return member_.empty() ? "" : toml_of(member_); }
  std::vector<std::string> samples() const override {
    const std::vector<T> values = within(allowed_);
    return {toml_of(values), toml_of(values.front())};
  }
  bool read(const toml::node& node, const std::string& path, problem_list& problems) override {
    if (const toml::table* table = node.as_table()) return read_from_range(*table, path, problems);
    return read_elements<T>(node, path, problems, member_,
                            [&](const toml::node& one) { return read_number(one, path, allowed_, true, problems); });
  }

 private:
  bool read_from_range(const toml::table& table, const std::string& path, problem_list& problems) {
    const auto values = range_of(table, path, problems, allowed_);
    if (!values) return false;
    for (const T value : *values) {
      const std::string wrong = beyond(value, allowed_);
      if (wrong.empty()) continue;
      problems.add(&table, fmt::format("{} {} in its range", path, wrong));
      return false;
    }
    member_ = *values;
    return true;
  }

  std::vector<T>& member_;
  const limits<T>& allowed_;
};

class text_axis final : public field {
 public:
  explicit text_axis(std::vector<std::string>& member) : member_(member) {}
  std::string type() const override { return "axis of strings"; }
  std::string text() const override { return member_.empty() ? "" : toml_of(member_); }
  std::vector<std::string> samples() const override { return {"['one', 'two']"}; }
  bool read(const toml::node& node, const std::string& path, problem_list& problems) override {
    return read_elements<std::string>(node, path, problems, member_, [&](const toml::node& one) {
      auto value = one.is_string() ? one.value<std::string>() : std::nullopt;
      if (!value) problems.add(&one, refusal(path, "takes strings", one));
      return value;
    });
  }

 private:
  std::vector<std::string>& member_;
};

class number_list final : public field {
 public:
  explicit number_list(std::vector<double>& member) : member_(member) {}
  std::string type() const override { return "list of numbers"; }
  std::string text() const override { return member_.empty() ? "" : toml_of(member_); }
  std::vector<std::string> samples() const override { return {"[0.25, 1.0]"}; }
  bool read(const toml::node& node, const std::string& path, problem_list& problems) override {
    const toml::array* list = node.as_array();
    if (list == nullptr) {
      problems.add(&node, refusal(path, "must be a list of numbers", node));
      return false;
    }
    std::vector<double> values;
    for (const toml::node& element : *list) {
      if (element.is_number()) {
        values.push_back(*element.value<double>());
      } else {
        problems.add(&element, refusal(path, "takes numbers", element));
      }
    }
    member_ = std::move(values);
    return member_.size() == list->size();
  }

 private:
  std::vector<double>& member_;
};

}  // namespace

void keys::axis(const key& k, std::vector<std::int64_t>& member, const limits<std::int64_t>& allowed) {
  number_axis<std::int64_t> f(member, allowed);
  visit(k, f);
}

void keys::axis(const key& k, std::vector<double>& member, const limits<double>& allowed) {
  number_axis<double> f(member, allowed);
  visit(k, f);
}

void keys::axis(const key& k, std::vector<std::string>& member) {
  text_axis f(member);
  visit(k, f);
}

void keys::list(const key& k, std::vector<double>& member) {
  number_list f(member);
  visit(k, f);
}

}  // namespace cotscale::config
