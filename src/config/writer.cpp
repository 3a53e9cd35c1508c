#include "cotscale/config/writer.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "cotscale/config/field.hpp"

namespace cotscale::config {

void writer::table(const std::string& name, std::string_view opening, std::string_view closing) {
  text_ += fmt::format("{}{}{}{}\n", text_.empty() ? "" : "\n", opening, name, closing);
}

bool writer::applies() const { return std::find(applies_.begin(), applies_.end(), false) == applies_.end(); }

std::string version_line(std::string_view kind, std::string_view word, int number) {
  return fmt::format("{}{} {} {}\n", version_mark, kind, word, number);
}

void writer::version(std::string_view name, std::string_view word, int number) {
  if (written_ == what::numbers && applies()) text_ += version_line(name, word, number);
}

void writer::visit(const key& k, field& f) {
  if (!applies()) return;
  if (written_ == what::numbers && !k.numbers) return;
  const std::string value = f.text();
  if (value.empty() || value == k.unwritten) return;
  text_ += fmt::format("{} = {}\n", k.name, value);
}

void writer::open(bool applies, std::string_view) { applies_.push_back(applies); }

void writer::open_after(std::string_view) { applies_.push_back(true); }

}  // namespace cotscale::config
