#!/usr/bin/env bash
# Builds and runs benchmarks: run.sh [--long | --smoke | --modern] [NAME ...], all but `grid` and `complete` by default. BUILD: the build
# directory, build/release by default. --smoke: all of them, small and once, to see that they run; the numbers mean nothing. --modern: gpt2, adam_step and
# roll_out by default, also against PyTorch 2 and JAX, which modern.py installs into the build directory where PyPI can be reached.
# REPETITIONS: how often both sides run in turn.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=${BUILD:-$here/../../build/release}
source "$here/../../jobs/environment.sh"
export OMP_NUM_THREADS=1
if [ "$(id -u)" = 0 ]; then
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi

long=
smaller=()
if [ "${1-}" = --long ]; then
  long=--long
  shift
elif [ "${1-}" = --modern ]; then
  shift
  [ $# -gt 0 ] || set -- roll_out adam_step gpt2
  # What cannot be installed is said, and the rest goes on.
  if "$here/modern.py" "$build/modern-peers"; then
    COTSCALE_MODERN_PEERS=$(cd "$build/modern-peers" && pwd)
    export COTSCALE_MODERN_PEERS
  fi
elif [ "${1-}" = --smoke ]; then
  export COTSCALE_SMOKE=1
  smaller=(--set sweep.repeats=1 --set test.prompts=32)
  shift
  [ $# -gt 0 ] || set -- grid normals products roll_out isotropic adam_step gpt2 select large cost_model overhead scheduler_idle memory complete
fi
[ $# -gt 0 ] || set -- normals products roll_out isotropic adam_step gpt2 select large cost_model overhead scheduler_idle memory

cmake --build "$build" --target bench
cd "$build"
for name in "$@"; do
  echo "== $name"
  case $name in
    normals | products | isotropic | cost_model | select | large) "./bench_$name" ;;
    roll_out | adam_step | gpt2 | memory) "$here/$name.py" "$build" ;;
    grid)
      begin=$(date +%s)
      mpirun -n 2 ./cotscale run "$here/grid.toml" --output bench_grid.h5 --overwrite "${smaller[@]}"
      rm bench_grid.h5
      echo "$(($(date +%s) - begin)) s of the limit of 600 s"
      ;;
    complete)
      find_python "xarray, h5py"
      "$python" "$here/complete.py" --build "$build" base prefixes:prefix_weight=1 late:schedule=late_decay,decay_from=0.5
      ;;
    overhead) mpirun -n 2 ./bench_overhead ;;
    scheduler_idle) "$here/$name.py" $long "$build" ;;
    *) echo "run.sh: no benchmark is called $name" >&2 && exit 2 ;;
  esac
done
