// The kinds of values that a key may have.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <sstream>
#include <utility>

#include "cotscale/config/field.hpp"
#include "cotscale/config/range.hpp"
#include "cotscale/config/toml_text.hpp"

namespace cotscale::config {

std::string toml_of(const std::string& value) { return quoted(value); }

namespace {

std::string refusal(const std::string& path, std::string_view wanted, const toml::node& node) {
  std::ostringstream kind;
  kind << node.type();
  return fmt::format("{} {}, not the {} {}", path, wanted, kind.str(), shown(node));
}

template<class T>
constexpr std::string_view name_of = std::is_same_v<T, double> ? "number" : "integer";

template<class T>
std::string type_of(std::string_view name, const limits<T>& allowed) {
  const std::string limit = text_of_limits(allowed);
  return limit.empty() ? std::string(name) : fmt::format("{} {}", name, limit);
}

class flag final : public field {
 public:
  explicit flag(bool& member) : member_(member) {}
  std::string type() const override { return "boolean"; }
  std::string text() const override { return toml_of(member_); }
  std::vector<std::string> samples() const override { return {"true", "false"}; }
  bool read(const toml::node& node, const std::string& path, problem_list& problems) override {
    if (const auto value = node.is_boolean() ? node.value<bool>() : std::nullopt) {
      member_ = *value;
      return true;
    }
    problems.add(&node, refusal(path, "must be true or false", node));
    return false;
  }

 private:
  bool& member_;
};

// A number, or one that need not be set.
template<class T>
class number final : public field {
 public:
  number(std::optional<T>& member, const limits<T>& allowed) : member_(member), allowed_(allowed) {}
  std::string type() const override { return type_of(name_of<T>, allowed_); }
  std::string text() const override { return member_ ? toml_of(*member_) : ""; }
  std::vector<std::string> samples() const override {
    std::vector<std::string> texts;
    for (const T value : within(allowed_)) texts.push_back(toml_of(value));
    return texts;
  }
  bool read(const toml::node& node, const std::string& path, problem_list& problems) override {
    const std::optional<T> value = read_number(node, path, allowed_, false, problems);
    if (value) member_ = value;
    return value.has_value();
  }

 private:
  std::optional<T>& member_;
  const limits<T>& allowed_;
};

class count_field final : public field {
 public:
  count_field(double& member, const limits<std::int64_t>& allowed) : member_(member), allowed_(allowed) {}
  std::string type() const override { return type_of("integer", allowed_) + ", or `inf`"; }
  std::string text() const override {
    return std::isinf(member_) ? toml_of(member_) : toml_of(static_cast<std::int64_t>(member_));
  }
  std::vector<std::string> samples() const override { return {"3", "inf"}; }
  bool read(const toml::node& node, const std::string& path, problem_list& problems) override {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    if (node.is_floating_point() && node.value<double>() == infinity) {
      member_ = infinity;
      return true;
    }
    const auto value = read_number(node, path, allowed_, false, problems);
    if (value) member_ = static_cast<double>(*value);
    return value.has_value();
  }

 private:
  double& member_;
  const limits<std::int64_t>& allowed_;
};

class text_field final : public field {
 public:
  explicit text_field(std::string& member) : member_(member) {}
  std::string type() const override { return "string"; }
  std::string text() const override { return toml_of(member_); }
  std::vector<std::string> samples() const override { return {"'some words'"}; }
  bool read(const toml::node& node, const std::string& path, problem_list& problems) override {
    if (const auto value = node.is_string() ? node.value<std::string>() : std::nullopt) {
      member_ = *value;
      return true;
    }
    problems.add(&node, refusal(path, "must be a string", node));
    return false;
  }

 private:
  std::string& member_;
};

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
  std::string type() const override { return type_of(fmt::format("axis of {}s", name_of<T>), allowed_); }
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

class word_field final : public field {
 public:
  word_field(std::vector<choice> choices, std::optional<std::size_t> index)
      : choices_(std::move(choices)), index_(index) {}
  std::optional<std::size_t> index() const { return index_; }
  std::string type() const override {
    std::vector<std::string> texts;
    for (const choice& c : choices_) texts.push_back(fmt::format("`\"{}\"`", c.text));
    return listed(texts);
  }
  std::string text() const override { return index_ ? toml_of(choices_[*index_].text) : ""; }
  std::vector<choice> choices() const override { return choices_; }
  std::vector<std::string> samples() const override {
    std::vector<std::string> texts;
    for (const choice& c : choices_) texts.push_back(toml_of(c.text));
    return texts;
  }
  bool read(const toml::node& node, const std::string& path, problem_list& problems) override {
    std::string word;
    if (!text_field(word).read(node, path, problems)) return false;
    std::vector<std::string> all;
    for (const choice& c : choices_) all.push_back(c.text);
    const auto found = std::find(all.begin(), all.end(), word);
    if (found != all.end()) {
      index_ = static_cast<std::size_t>(found - all.begin());
      return true;
    }
    problems.add(&node, fmt::format("{} must be one of {}, got \"{}\"{}", path, listed(all), shortened(word, 100),
                                    suggestion(word, all)));
    return false;
  }

 private:
  std::vector<choice> choices_;
  std::optional<std::size_t> index_;
};

}  // namespace

void keys::value(const key& k, bool& member) {
  flag f(member);
  visit(k, f);
}

void keys::value(const key& k, int& member, const limits<std::int64_t>& allowed) {
  limits<std::int64_t> fitting = allowed;
  if (!fitting.most) fitting.most = std::numeric_limits<int>::max();
  std::int64_t wide = member;
  value(k, wide, fitting);
  member = static_cast<int>(wide);
}

void keys::value(const key& k, std::int64_t& member, const limits<std::int64_t>& allowed) {
  std::optional<std::int64_t> own = member;
  value(k, own, allowed);
  member = *own;
}

void keys::value(const key& k, double& member, const limits<double>& allowed) {
  std::optional<double> own = member;
  value(k, own, allowed);
  member = *own;
}

void keys::value(const key& k, std::optional<std::int64_t>& member, const limits<std::int64_t>& allowed) {
  number<std::int64_t> f(member, allowed);
  visit(k, f);
}

void keys::value(const key& k, std::optional<double>& member, const limits<double>& allowed) {
  number<double> f(member, allowed);
  visit(k, f);
}

void keys::value(const key& k, std::string& member) {
  text_field f(member);
  visit(k, f);
}

void keys::count(const key& k, double& member, const limits<std::int64_t>& allowed) {
  count_field f(member, allowed);
  visit(k, f);
}

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

std::optional<std::size_t> keys::choose(const key& k, std::vector<choice> choices, std::optional<std::size_t> index) {
  word_field f(std::move(choices), index);
  visit(k, f);
  return f.index();
}

}  // namespace cotscale::config
