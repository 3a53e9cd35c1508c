// How deeply a text of TOML is nested, found out without calling itself.
#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "cotscale/base/error.hpp"
#include "cotscale/config/toml_reader.hpp"

namespace cotscale::detail {
namespace {

// Follows a text of TOML as far as nesting goes: strings and comments are passed over.
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

}  // namespace cotscale::detail
