// A limit on address space (ulimit -v) that is too small for the buffers of OpenBLAS, which asks for them for ever.
#pragma once

namespace cotscale::app {

/// Ends the watch that begins before OpenBLAS is loaded: then a second of computing without an end of loading is a
/// message and exit code 2. Call first in main().
void loading_has_ended();

}  // namespace cotscale::app
