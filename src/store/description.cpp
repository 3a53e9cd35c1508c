#include "cotscale/store/description.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "cotscale/base/error.hpp"

namespace cotscale {
namespace {

constexpr std::string_view first_line = "cotscale description 1";

struct number_type {
  std::string_view name;
  std::uint64_t bytes;
};
constexpr std::array number_types{number_type{"float64", 8}, number_type{"float32", 4}, number_type{"int64", 8},
                                  number_type{"int32", 4},   number_type{"int8", 1},    number_type{"uint64", 8},
                                  number_type{"uint8", 1}};

// In the order of dataset_role.
constexpr std::array<std::string_view, 5> role_words{"fixed", "payload", "record", "record_checksum", "failure"};

[[noreturn]] void refuse(std::string_view what) {
  throw io_error(fmt::format("the description inside the file is no such text ({})", what));
}

// Reads a text from front to back.
class scanner {
 public:
  explicit scanner(std::string_view text) : rest_(text) {}
  bool at_end() const { return rest_.empty(); }

  std::string_view line() {
    const std::size_t end = rest_.find('\n');
    if (end == std::string_view::npos) refuse("a line without end");
    return take(end);
  }

  // `bytes` of them, and the end of the line behind.
  std::string_view take(std::uint64_t bytes) {
    if (bytes >= rest_.size() || rest_[bytes] != '\n') refuse("a text of another length");
    const std::string_view part = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes + 1);
    return part;
  }

 private:
  std::string_view rest_;
};

std::vector<std::string_view> words(std::string_view line) {
  std::vector<std::string_view> out;
  while (true) {
    const std::size_t end = line.find(' ');
    out.push_back(line.substr(0, end));
    if (end == std::string_view::npos) return out;
    line.remove_prefix(end + 1);
  }
}

std::uint64_t number(std::string_view digits) {
  std::uint64_t value = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (failure != std::errc() || end != digits.data() + digits.size())
    refuse(fmt::format("\"{}\" is no number", digits));
  return value;
}

dataset_role role_of(std::string_view word) {
  const auto known = std::find(role_words.begin(), role_words.end(), word);
  if (known == role_words.end()) refuse(fmt::format("the role {}", word));
  return static_cast<dataset_role>(known - role_words.begin());
}

stored_dataset dataset_of(const std::vector<std::string_view>& line) {
  if (line.size() < 5) refuse("a dataset without its place");
  stored_dataset out{.name = std::string(line[1]), .type = std::string(line[2]), .role = role_of(line[3])};
  out.offset = number(line[4]);
  for (std::size_t i = 5; i < line.size(); ++i) {
    const std::size_t equals = line[i].find('=');
    if (equals == std::string_view::npos) refuse("a dimension without length");
    out.dimensions.emplace_back(line[i].substr(0, equals), number(line[i].substr(equals + 1)));
  }
  return out;
}

}  // namespace

template<>
std::string type_name<double>() {
  return "float64";
}
template<>
std::string type_name<float>() {
  return "float32";
}
template<>
std::string type_name<std::int64_t>() {
  return "int64";
}
template<>
std::string type_name<std::int32_t>() {
  return "int32";
}
template<>
std::string type_name<std::int8_t>() {
  return "int8";
}
template<>
std::string type_name<std::uint64_t>() {
  return "uint64";
}
template<>
std::string type_name<std::uint8_t>() {
  return "uint8";
}

std::uint64_t stored_dataset::values() const {
  std::uint64_t product = 1;
  for (const auto& [dimension, length] : dimensions) product *= length;
  return product;
}

std::uint64_t stored_dataset::bytes() const {
  const auto known =
      std::find_if(number_types.begin(), number_types.end(), [&](const auto& t) { return t.name == type; });
  if (known == number_types.end()) refuse(fmt::format("the type {}", type));
  return values() * known->bytes;
}

void file_description::add_texts(const std::string& key, const std::vector<std::string>& values) {
  for (const std::string& value : values) add_text(key, value);
}

const std::string& file_description::text(std::string_view key) const {
  const auto found = std::find_if(texts_.begin(), texts_.end(), [&](const auto& t) { return t.first == key; });
  if (found == texts_.end()) refuse(fmt::format("it has no {}", key));
  return found->second;
}

std::vector<std::string> file_description::texts(std::string_view key) const {
  std::vector<std::string> values;
  for (const auto& [own_key, value] : texts_) {
    if (own_key == key) values.push_back(value);
  }
  return values;
}

const stored_dataset* file_description::find(std::string_view name) const {
  const auto found = std::find_if(datasets_.begin(), datasets_.end(), [&](const auto& d) { return d.name == name; });
  return found == datasets_.end() ? nullptr : &*found;
}

std::string file_description::to_text() const {
  std::string out = fmt::format("{}\n", first_line);
  for (const auto& [key, value] : texts_) out += fmt::format("text {} {}\n{}\n", key, value.size(), value);
  for (const stored_dataset& d : datasets_) {
    out += fmt::format("dataset {} {} {} {:020}", d.name, d.type, role_words.at(static_cast<std::size_t>(d.role)),
                       d.offset);
    for (const auto& [dimension, length] : d.dimensions) out += fmt::format(" {}={}", dimension, length);
    out += '\n';
  }
  return out;
}

std::optional<std::string> file_description::leading_text(std::string_view text, std::string_view key) {
  try {
    scanner in(text);
    in.line();
    while (!in.at_end()) {
      const std::vector<std::string_view> line = words(in.line());
      if (line[0] != "text" || line.size() != 3) return std::nullopt;
      const std::string_view value = in.take(number(line[2]));
      if (line[1] == key) return std::string(value);
    }
  } catch (const io_error&) {  // no such text
  }
  return std::nullopt;
}

file_description file_description::from_text(std::string_view text) {
  scanner in(text);
  if (in.line() != first_line) refuse("another first line");
  file_description out;
  while (!in.at_end()) {
    const std::vector<std::string_view> line = words(in.line());
    if (line[0] == "text" && line.size() == 3) {
      out.add_text(std::string(line[1]), std::string(in.take(number(line[2]))));
    } else if (line[0] == "dataset") {
      out.add_dataset(dataset_of(line));
    } else {
      refuse(fmt::format("a line that begins with \"{}\"", line[0]));
    }
  }
  return out;
}

}  // namespace cotscale
