// The command line: its options, its help, and the subcommand that it names.
#pragma once

namespace cotscale::app {

/// Parses the arguments and runs the subcommand; returns the exit code. Throws what the subcommand throws, and
/// specification_error for a subcommand that there is none of.
int dispatch(int argc, char** argv);

/// Whether this process prints what every rank would print: under mpirun the command line is parsed before MPI starts,
/// and one rank's words are enough.
bool speaks();

}  // namespace cotscale::app
