// How threads wait for work.
#pragma once

namespace cotscale::app {

/// OpenMP's threads wait asleep, not spinning, unless the user has set OMP_WAIT_POLICY or GOMP_SPINCOUNT: on a host
/// that others use too, a spinning thread takes the core that the one it waits for needs. The OpenMP library reads this
/// when it is loaded, so the program replaces itself by itself, once; it goes on where that is not possible.
void wait_passively(char** argv);

}  // namespace cotscale::app
