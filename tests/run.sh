#!/usr/bin/env bash
# Installs what is missing, builds, and runs the tests.
#
#   tests/run.sh            unit (also for x86-64-v3), MPI, regression, analysis and Slurm tests, benchmarks in small
#   tests/run.sh --long     also: all of them but Slurm's under sanitizers, clang-tidy, long kill storms and fuzzing
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../jobs/environment.sh"

long=0
case ${1:-} in
    '') ;;
    --long) long=1 ;;
    *)
        echo "usage: tests/run.sh [--long]" >&2
        exit 2
        ;;
esac

install_packages "${build_packages[@]}" "${test_packages[@]}"
((long == 0)) || install_packages "${long_test_packages[@]}"
find_python "xarray, h5py, netCDF4, h5netcdf, matplotlib, pytest, scipy"

for tool in clang-format h5dump pgrep; do
    command -v "$tool" >/dev/null || give_up "$tool is needed"
done

say "formatting"
(cd "$root" && find src include tests -name '*.?pp' -print0 | xargs -0 clang-format --dry-run -Werror)

say "building"
build release -DCOTSCALE_TESTS=ON -DCOTSCALE_WERROR=ON
cmake --build "$root/build/release" --target bench
failed=0
if ((long == 1)); then
    export COTSCALE_LONG=1
    say "clang-tidy"
    (cd "$root" && find src -name '*.cpp' -print0 | xargs -0 -n 1 -P "$(nproc)" clang-tidy -quiet -p build/release) || failed=1
fi

if ((long == 1)); then
    say "building with sanitizers"
    build asan -DCOTSCALE_WERROR=ON
    say "tests with sanitizers"
    ctest --test-dir "$root/build/asan" --output-on-failure -LE slurm || failed=1
fi
# Vector code differs between kinds of CPU; this one runs wherever there is AVX2.
if [[ $(uname -m) == x86_64 ]] && grep -qw avx2 /proc/cpuinfo; then
    say "building the unit tests for x86-64-v3"
    build x86-64-v3 -DCOTSCALE_WERROR=ON
    say "unit tests for x86-64-v3"
    ctest --test-dir "$root/build/x86-64-v3" --output-on-failure -L unit -j "$(nproc)" || failed=1
fi
say "tests"
ctest --test-dir "$root/build/release" --output-on-failure -j "$(nproc)" || failed=1
exit "$failed"
