#include "cotscale/config/writer.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "cotscale/config/field.hpp"

namespace cotscale::config {

void writer::table(const std::string& name, std::string_view opening, std::string_view closing) {
  text_ += fmt::format("{}{}{}{}\n", text_.empty() ? "" : "\n", opening, name, closing);
}

void writer::visit(const key& k, field& f) {
  if (std::find(applies_.begin(), applies_.end(), false) != applies_.end()) return;
  const std::string value = f.text();
  if (value.empty() || value == k.unwritten) return;
  text_ += fmt::format("{} = {}\n", k.name, value);
}

void writer::open(bool applies, std::string_view) { applies_.push_back(applies); }

void writer::open_after(std::string_view) { applies_.push_back(true); }

}  // namespace cotscale::config
