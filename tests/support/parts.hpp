// What a part is, as text.
#pragma once

#include <string>

#include "cotscale/config/writer.hpp"

namespace cotscale::support {

/// Its word on a line, then its keys as a specification has them.
template<class Part>
std::string written(const Part& part) {
  config::writer out;
  part.clone()->keys(out);
  return std::string(part.word()) + "\n" + out.text();
}

}  // namespace cotscale::support
