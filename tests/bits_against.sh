#!/usr/bin/env bash
# Builds two revisions on this machine, computes tests/bits/*.toml with both, and compares every number bit for bit.
#
#   tests/bits_against.sh REVISION              REVISION against the working tree, uncommitted changes included
#   tests/bits_against.sh REVISION REVISION2    two commits
#
# Exit code 1 if anything differs that tests/bits_against.py does not expect to. Builds stay in build/bits, one a commit, and are used again;
# `rm -rf build/bits && git worktree prune` removes them. COTSCALE_BITS_ONLY=PATTERN takes only the specifications whose names match
# that pattern of the shell (those that begin with stored weights need 20-objectives).
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source "$root/jobs/environment.sh"

if (($# < 1 || $# > 2)); then
    echo "usage: tests/bits_against.sh REVISION [REVISION2]" >&2
    exit 2
fi
find_python "h5py, numpy"
cache=$root/build/bits
mkdir -p "$cache"

# Prints the path of the program that SOURCE (a directory) builds in BUILD (another).
build_program() {
    cmake -S "$1" -B "$2" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCOTSCALE_TESTS=OFF >"$2.log" 2>&1 &&
        cmake --build "$2" --target cotscale >>"$2.log" 2>&1 || {
        tail -n 30 "$2.log" >&2
        give_up "building $1 failed; the whole log is $2.log"
    }
    echo "$2/cotscale"
}

# Prints the path of the program of a commit.
program_of() {
    local commit
    commit=$(git -C "$root" rev-parse --verify --quiet "$1^{commit}") || give_up "$1: no such revision"
    if [[ ! -e $cache/$commit/.git ]]; then
        git -C "$root" worktree prune
        git -C "$root" worktree add --quiet --detach "$cache/$commit" "$commit" >&2
    fi
    build_program "$cache/$commit" "$cache/$commit-build"
}

say "building $1"
first=$(program_of "$1")
if (($# == 2)); then
    say "building $2"
    second=$(program_of "$2")
else
    say "building the working tree"
    second=$(build_program "$root" "$cache/working-tree-build")
fi
say "computing and comparing"
PYTHONDONTWRITEBYTECODE=1 exec "$python" "$root/tests/bits_against.py" "$first" "$second" "$cache/results"
