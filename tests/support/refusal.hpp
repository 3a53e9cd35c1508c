// What a call is refused with.
#pragma once

#include <string>

#include "cotscale/base/error.hpp"

namespace cotscale::support {

/// The message of the specification_error that `call` throws; "no exception" if it throws none.
template<class Call>
std::string refusal_of(Call call) {
  try {
    call();
  } catch (const specification_error& e) {
    return e.what();
  }
  return "no exception";
}

}  // namespace cotscale::support
