// The kinds of values that a key may have.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "cotscale/config/field.hpp"
#include "cotscale/config/toml_text.hpp"

namespace cotscale::config {

std::string toml_of(const std::string& value) { return quoted(value); }

namespace {

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
  std::string type() const override { return type_of(std::string(number_name<T>), allowed_); }
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

std::optional<std::size_t> keys::choose(const key& k, std::vector<choice> choices, std::optional<std::size_t> index) {
  word_field f(std::move(choices), index);
  visit(k, f);
  return f.index();
}

}  // namespace cotscale::config
