// Any exception as an error with an exit code.
#pragma once

#include <functional>
#include <optional>

#include "cotscale/base/error.hpp"

namespace cotscale::detail {

/// Runs `work`; what it has thrown, if it has.
std::optional<error> failure_of(const std::function<void()>& work);

}  // namespace cotscale::detail
