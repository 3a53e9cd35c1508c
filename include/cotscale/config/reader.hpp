// Reads a TOML table into what a declaration visits.
#pragma once

#include <toml++/toml.h>

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cotscale/config/keys.hpp"
#include "cotscale/config/problems.hpp"

namespace cotscale::config {

/// One table of the file. Every key that is visited is known; finish() reports the others, and those that have no
/// effect. Each wrong key is reported once.
class reader final : public keys {
 public:
  /// `table` may be null: then every key has its default.
  reader(const toml::table* table, std::string path, problem_list& problems)
      : table_(table), path_(std::move(path)), problems_(problems) {}

  bool present() const { return table_ != nullptr; }
  /// Whether nothing was wrong so far.
  bool sound() const { return wrong_.empty() && sound_; }
  bool given(std::string_view name) const override { return find(name) != nullptr; }
  std::string given_word(std::string_view name) const override;
  void problem(std::string_view name, const std::string& message) override;
  void problem_at(std::string_view name, std::size_t index, const std::string& message) override;

  /// A table within this one; null if it is not there, and a problem if it is something else.
  const toml::table* subtable(const std::string& name);
  /// The tables of a list, `[[name]]`; none if it is not there, and a problem if it is something else, or empty.
  std::vector<const toml::table*> subtables(const std::string& name);

  void finish();

 protected:
  void visit(const key& k, field& f) override;
  void open(bool applies, std::string_view condition) override;
  void open_after(std::string_view name) override;
  void close() override { conditions_.pop_back(); }
  bool reads() const override { return applies(); }

 private:
  struct condition {
    bool applies = true;
    bool decided = true;
    std::string text;
  };
  // What is known of a key: that it has an effect, that nobody can tell, or on which condition it would have one.
  struct standing {
    bool settled = false;
    std::size_t depth = 0;
    std::string condition;
  };

  const toml::node* find(std::string_view name) const { return table_ == nullptr ? nullptr : table_->get(name); }
  std::string full(std::string_view name) const;
  std::string quoted_path(const std::string& name) const;
  bool applies() const;
  bool decided() const;
  void refuse(standing& s) const;
  void mark_unread(std::string_view name);
  void report_unknown(const std::string& name, const toml::node& node);

  const toml::table* table_;
  std::string path_;
  problem_list& problems_;
  std::vector<condition> conditions_;
  std::map<std::string, standing, std::less<>> known_;
  std::set<std::string, std::less<>> unread_;  // without a value that could be read
  std::set<std::string, std::less<>> wrong_;   // these, and what was said to be wrong
  bool sound_ = true;
};

/// Reads a text, which messages call `source`, into what a declaration visits; throws specification_error.
void read_text(const std::string& text, const std::string& source, const std::function<void(keys&)>& declaration);

}  // namespace cotscale::config
