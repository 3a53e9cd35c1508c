#pragma once

#include "cotscale/comm/communicator.hpp"

/// The ranks of this test program.
const cotscale::communicator& world();
