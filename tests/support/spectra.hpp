// Spectra as a specification's text makes them.
#pragma once

#include <memory>
#include <string>

#include "cotscale/base/error.hpp"
#include "cotscale/base/random.hpp"
#include "cotscale/config/reader.hpp"
#include "cotscale/config/toml_text.hpp"
#include "cotscale/config/writer.hpp"
#include "cotscale/task/spectra.hpp"
#include "support/refusal.hpp"

namespace cotscale::support {

/// The spectrum of a table `[target]` that has its keys only. Throws specification_error with what is wrong.
inline std::shared_ptr<const spectrum> spectrum_of(const std::string& keys, const spectrum::surroundings& where) {
  const toml::table root = config::parse_text(keys, "s.toml");
  config::problem_list problems("s.toml");
  config::reader reader(&root, "target", problems);
  std::shared_ptr<const spectrum> chosen;
  spectrum_keys(reader, {.name = "spectrum", .help = "", .required = true}, chosen);
  settle(reader, chosen, where);
  reader.finish();
  problems.raise();
  return chosen;
}

/// What such a table is refused with.
inline std::string spectrum_refusal(const std::string& keys, const spectrum::surroundings& where) {
  return support::refusal_of([&] { spectrum_of(keys, where); });
}

/// Its keys in canonical form.
inline std::string canonical_keys(std::shared_ptr<const spectrum> chosen) {
  config::writer out;
  spectrum_keys(out, {.name = "spectrum", .help = "", .required = true}, chosen);
  return out.text();
}

/// The key of a stream that is for this spectrum.
inline stream_key key_of(const spectrum& s, bool scaled = false) {
  key_builder builder("spectrum");
  s.identify(builder, scaled);
  return builder.key();
}

}  // namespace cotscale::support
