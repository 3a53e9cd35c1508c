// A table with a key of every kind, for tests.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cotscale/config/keys.hpp"

namespace cotscale::config {

enum class heat : std::uint8_t { off, low, high };
inline constexpr std::array<word<heat>, 3> heats{
    {{heat::off, "off", "cold"}, {heat::low, "low", "warm"}, {heat::high, "high", "hot"}}};

/// A part: what is cooked.
class dish {
 public:
  virtual ~dish() = default;
  virtual std::string_view word() const = 0;
  virtual std::string_view help() const = 0;
  virtual std::shared_ptr<dish> clone() const = 0;
  virtual void keys(config::keys& k) = 0;
};

class soup final : public dish {
 public:
  std::string_view word() const override { return "soup"; }
  std::string_view help() const override { return "is liquid"; }
  std::shared_ptr<dish> clone() const override { return std::make_shared<soup>(*this); }
  void keys(config::keys& k) override { k.value({.name = "salt", .help = "in grams"}, salt, {.least = 0}); }
  double salt = 2;
};

class bread final : public dish {
 public:
  std::string_view word() const override { return "bread"; }
  std::string_view help() const override { return "is baked"; }
  std::shared_ptr<dish> clone() const override { return std::make_shared<bread>(*this); }
  void keys(config::keys& k) override {
    k.value({.name = "slices", .help = "of equal width", .example = "8", .required = true}, slices, {.least = 1});
  }
  std::int64_t slices = 0;
};

inline const soup soup_part;
inline const bread bread_part;
inline constexpr std::array<const dish*, 2> dishes{&soup_part, &bread_part};

struct kitchen {
  std::string cook = "nobody";
  bool open = true;
  int pots = 3;
  double water = 1.5;
  std::optional<double> oil;
  double guests = 4;
  heat stove = heat::off;
  double minutes = 10;
  std::vector<std::int64_t> plates;
  std::vector<double> weights;
  std::vector<double> shares;
  std::vector<std::string> names;
  std::shared_ptr<const dish> main = std::make_shared<soup>();
  double noise = 0;
};

inline void kitchen_keys(keys& k, kitchen& kit) {
  k.value({.name = "cook", .help = "who cooks"}, kit.cook);
  k.value({.name = "open", .help = ""}, kit.open);
  k.value({.name = "pots", .help = "how many"}, kit.pots, {.least = 1, .most = 1'000'000});
  k.value({.name = "water", .help = "in litres"}, kit.water, {.above = 0, .below = 100});
  k.value({.name = "oil", .help = "in litres", .otherwise = "by taste"}, kit.oil, {.least = 0});
  k.count({.name = "guests", .help = "at most"}, kit.guests, {.least = 1});
  k.word({.name = "stove", .help = "the fire"}, kit.stove, heats);
  k.when(kit.stove != heat::off, R"(stove = "low" or "high")",
         [&] { k.value({.name = "minutes", .help = "on the stove | or off"}, kit.minutes, {.above = 0}); });
  k.axis({.name = "plates", .help = "", .example = "[2, 3]", .required = true}, kit.plates, {.least = 1, .most = 99});
  k.axis({.name = "weights", .help = ""}, kit.weights, {.other_than = 0});
  k.list({.name = "shares", .help = ""}, kit.shares);
  k.axis({.name = "names", .help = ""}, kit.names);
  k.part<dish>({.name = "main", .help = "the dish"}, kit.main, dishes);
  k.value({.name = "noise", .help = "a key that came later", .unwritten = "0.0"}, kit.noise, {.least = 0});
  k.after("pots", [&] {
    k.check([&] {
      if (kit.pots > 50) k.problem("pots", "are more than the shelf holds");
    });
  });
}

inline void default_kitchen(keys& k) {
  kitchen kit;
  kitchen_keys(k, kit);
}

}  // namespace cotscale::config
