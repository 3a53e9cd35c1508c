#include "cotscale/config/toml_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <sstream>

#include "cotscale/base/error.hpp"

namespace cotscale::config {
namespace {

// Follows a text of TOML as far as nesting goes, without calling itself: strings and comments are passed over.
class level_counter {
 public:
  // Whether the next character stays within most_levels.
  bool take(std::string_view rest) {
    const char c = rest.front();
    line_ += c == '\n' ? 1 : 0;
    if (skip_ > 0) {
      --skip_;
    } else if (!quote_.empty()) {
      in_string(rest);
    } else if (comment_) {
      comment_ = c != '\n';
    } else {
      outside(rest);
    }
    return std::max(levels_, parts_) <= most_levels;
  }
  int line() const { return line_; }

 private:
  void in_string(std::string_view rest) {
    const bool basic = quote_.front() == '"';
    if (basic && rest.front() == '\\') {
      skip_ = 1;
    } else if (rest.substr(0, quote_.size()) == quote_) {
      skip_ = quote_.size() - 1;
      quote_ = {};
    } else if (quote_.size() == 1 && rest.front() == '\n') {
      quote_ = {};  // not closed: the parser will say so
    }
  }

  void outside(std::string_view rest) {
    switch (rest.front()) {
      case '"':
      case '\'': {
        const std::string_view three = rest.substr(0, 3);
        quote_ = three == R"(""")" || three == "'''" ? three : rest.substr(0, 1);
        skip_ = quote_.size() - 1;
        return;
      }
      case '#':
        comment_ = true;
        return;
      case '.':
        ++parts_;
        return;
      case '[':
      case '{':
        ++levels_;
        break;
      case ']':
      case '}':
        levels_ = std::max(0, levels_ - 1);
        break;
      case '\n':
      case '=':
      case ',':
        break;
      default:
        return;
    }
    parts_ = 0;
  }

  std::string_view quote_;
  std::size_t skip_ = 0;
  bool comment_ = false;
  int levels_ = 0, parts_ = 0, line_ = 1;
};

}  // namespace

void require_shallow(std::string_view text, const std::string& source) {
  level_counter levels;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (levels.take(text.substr(i))) continue;
    throw specification_error(fmt::format("{}:{}: tables, lists or parts of a key are nested deeper than {} levels",
                                          source, levels.line(), most_levels));
  }
}

toml::table parse_text(const std::string& text, const std::string& source) {
  require_shallow(text, source);
  try {
    return toml::parse(text, source);
  } catch (const toml::parse_error& e) {
    throw specification_error(fmt::format("{}:{}: not valid TOML: {}", source, e.source().begin.line, e.description()));
  }
}

std::string quoted(const std::string& text) {
  std::ostringstream out;
  out << toml::default_formatter(toml::value<std::string>(text));
  return out.str();
}

std::string quoted_key(const std::string& key) {
  const bool bare = !key.empty() && std::all_of(key.begin(), key.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-';
  });
  return bare ? key : quoted(key);
}

std::vector<std::string> words_of(const std::string& dotted) {
  std::vector<std::string> words{""};
  char quote = 0;
  for (const char c : dotted) {
    if (quote != 0 ? c == quote : c == '"' || c == '\'') {
      quote = quote != 0 ? '\0' : c;
    } else if (c == '.' && quote == 0) {
      words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  return words;
}

std::string declared_name(const std::vector<std::string>& table) {
  std::string name = table.front();
  for (std::size_t i = 1; i < table.size(); ++i) {
    name += '.';
    name += i == 1 ? "NAME" : table[i].substr(0, table[i].find('['));
  }
  return name;
}

}  // namespace cotscale::config
