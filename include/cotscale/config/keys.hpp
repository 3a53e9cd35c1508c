// A key is declared once: one function visits the keys of a table in canonical order, and the reader, the canonical
// writer and the documentation are visitors. (docs/architecture.md says how to add one.)
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace cotscale::config {

class field;

/// What is said of a key beside its type. The default is the value that the visited member begins with.
struct key {
  std::string_view name;
  std::string_view help;
  std::string_view example = {};    ///< TOML; shown where a required key is missing
  bool required = false;            ///< a list that is not is empty where it is not set
  std::string_view otherwise = {};  ///< the default in words, where it is no constant
  std::string_view unwritten =
      {};               ///< TOML of the value that is not written: canonical texts from before this key hold
  bool numbers = true;  ///< false: no number of a cell depends on it, so that it is no part of a cell's identity
};

/// What a number may be: `least` and `most` are allowed themselves, `above` and `below` are not.
template<class T>
struct limits {
  std::optional<T> least = {}, most = {};
  std::optional<T> above = {}, below = {};
  std::optional<T> other_than = {};
};

/// One of the words that stand for the values of an enumeration.
template<class Enum>
struct word {
  Enum value;
  std::string_view text;
  std::string_view help;
};
template<class Enum>
using words = std::span<const word<Enum>>;

/// The word that stands for a value; throws std::out_of_range if none does.
template<class Enum>
std::string_view text_of(Enum value, std::type_identity_t<words<Enum>> all) {
  for (const word<Enum>& w : all) {
    if (w.value == value) return w.text;
  }
  throw std::out_of_range("config::text_of: no word stands for this value");
}

/// A word of a choice, and what it means.
struct choice {
  std::string text;
  std::string help;
  bool operator==(const choice&) const = default;
};

/// What a declaration speaks to. It must visit the same keys whatever the values are: those that have an effect with
/// some values only stand under when(). A key may stand under several conditions of which one holds at a time: it is
/// one key then, of which messages and documentation say all of them. Names and texts need to live as long as the call.
class keys {
 public:
  keys() = default;
  keys(const keys&) = delete;
  keys& operator=(const keys&) = delete;
  virtual ~keys() = default;

  /// A value; an optional one that is not set is not written.
  void value(const key& k, bool& member);
  void value(const key& k, int& member, const limits<std::int64_t>& allowed = {});
  void value(const key& k, std::int64_t& member, const limits<std::int64_t>& allowed = {});
  void value(const key& k, double& member, const limits<double>& allowed = {});
  void value(const key& k, std::optional<std::int64_t>& member, const limits<std::int64_t>& allowed = {});
  void value(const key& k, std::optional<double>& member, const limits<double>& allowed = {});
  void value(const key& k, std::string& member);

  /// An integer within the limits, or `inf`.
  void count(const key& k, double& member, const limits<std::int64_t>& allowed);

  /// A value, a list of values without duplicates, or (of numbers) a range (config/range.hpp).
  void axis(const key& k, std::vector<std::int64_t>& member, const limits<std::int64_t>& allowed = {});
  void axis(const key& k, std::vector<double>& member, const limits<double>& allowed = {});
  void axis(const key& k, std::vector<std::string>& member);

  /// A list of numbers, duplicates and infinities included; not written where it is empty.
  void list(const key& k, std::vector<double>& member);

  /// One of the words.
  template<class Enum>
  void word(const key& k, Enum& member, std::type_identity_t<words<Enum>> all) {
    std::optional<Enum> chosen = member;
    word(k, chosen, all);
    member = *chosen;
  }
  template<class Enum>
  void word(const key& k, std::optional<Enum>& member, std::type_identity_t<words<Enum>> all) {
    std::vector<choice> choices;
    std::optional<std::size_t> index;
    for (std::size_t i = 0; i < all.size(); ++i) {
      choices.push_back({std::string(all[i].text), std::string(all[i].help)});
      if (member == all[i].value) index = i;
    }
    if (const auto chosen = choose(k, std::move(choices), index)) member = all[*chosen].value;
  }

  /// A word that chooses one of the parts, then the keys of each part, under that word. `chosen` may be null. A part
  /// has `word()`, `help()`, `keys(config::keys&)`, and `clone()` as a std::shared_ptr<Base>; its defaults are those of
  /// the part in the list.
  template<class Base>
  void part(const key& k, std::shared_ptr<const Base>& chosen, std::span<const Base* const> parts) {
    part_word(k, chosen, parts);
    part_keys(k.name, chosen, parts);
  }
  /// The two halves of part(), for a table that has other keys between them: the word alone, of the key `k`, and the
  /// keys of each part, under the word of the key `name`.
  template<class Base>
  void part_word(const key& k, std::shared_ptr<const Base>& chosen, std::span<const Base* const> parts) {
    std::vector<choice> choices;
    std::optional<std::size_t> before;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      choices.push_back({std::string(parts[i]->word()), std::string(parts[i]->help())});
      if (chosen && chosen->word() == parts[i]->word()) before = i;
    }
    const auto index = choose(k, std::move(choices), before);
    if (index != before) chosen = parts[*index]->clone();
  }
  template<class Base>
  void part_keys(std::string_view name, std::shared_ptr<const Base>& chosen, std::span<const Base* const> parts) {
    part_keys(name, chosen, parts, [&](Base& own) { own.keys(*this); });
  }
  /// The latter with `visit` for what visits the keys of a part.
  template<class Base, class Visit>
  void part_keys(std::string_view name, std::shared_ptr<const Base>& chosen, std::span<const Base* const> parts,
                 Visit visit) {
    std::shared_ptr<const Base> result = chosen;
    for (const Base* part : parts) {
      const bool applies = chosen && chosen->word() == part->word();
      const std::shared_ptr<Base> own = applies ? chosen->clone() : part->clone();
      when(applies, fmt::format("{} = \"{}\"", name, part->word()), [&] {
        if constexpr (requires { own->version(); }) version(name, part->word(), own->version());
        visit(*own);
      });
      if (applies) result = own;
    }
    chosen = std::move(result);
  }

  /// Keys that have an effect on a condition only: elsewhere the reader refuses them with "has an effect with
  /// <condition> only; remove it", and the writer leaves them out. The condition is the TOML that makes it true, with
  /// the name of the key that decides, then, if there are more such words, " or " and these: `optimizer = "adam" or
  /// "adamw"`. Where that key is wrong, nothing is said of the keys under the condition.
  template<class Body>
  void when(bool applies, std::string_view condition, Body body) {
    open(applies, condition);
    body();
    close();
  }
  /// Keys of which nothing can be said while the key `name` is wrong.
  template<class Body>
  void after(std::string_view name, Body body) {
    open_after(name);
    body();
    close();
  }

  /// Checks across keys, and what else only a reader does, where the condition applies.
  template<class Body>
  void check(Body body) {
    if (reads()) body();
  }
  /// A default that depends on what was read already.
  template<class T>
  void fallback(T& member, const std::type_identity_t<T>& value) {
    if (reads()) member = value;
  }
  /// Whether the text has this key; false for what is not a reader.
  virtual bool given(std::string_view) const { return false; }
  /// The word that it has for this key, before the key is visited; empty if it has none.
  virtual std::string given_word(std::string_view) const { return {}; }
  /// Says that the value of a key, or number `index` of its axis, is wrong: "<table>.<name> <message>". Once for a key.
  virtual void problem(std::string_view /*name*/, const std::string& /*message*/) {}
  virtual void problem_at(std::string_view /*name*/, std::size_t /*index*/, const std::string& /*message*/) {}

 protected:
  virtual void visit(const key& k, field& f) = 0;
  /// The part that the key `name` may choose has numbers of this version.
  virtual void version(std::string_view /*name*/, std::string_view /*word*/, int /*number*/) {}
  virtual void open(bool applies, std::string_view condition) = 0;
  virtual void open_after(std::string_view name) = 0;
  virtual void close() = 0;
  virtual bool reads() const { return false; }

 private:
  std::optional<std::size_t> choose(const key& k, std::vector<choice> choices, std::optional<std::size_t> index);
};

/// A function that visits the keys of a table of default values.
struct table_declaration {
  std::string name;  ///< as in a specification, with NAME for what a user chooses
  void (*visit)(keys&);
  void (*within)(keys&) = nullptr;  ///< of tables of a list, `[[name]]`: the keys of the table that the list stands in
  std::string heading() const { return within != nullptr ? fmt::format("[[{}]]", name) : fmt::format("[{}]", name); }
};

}  // namespace cotscale::config
