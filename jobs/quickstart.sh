#!/usr/bin/env bash
# From a fresh machine to the paper's first figures: installs what is missing, builds, runs the presets on all cores, and draws them.
#
#   jobs/quickstart.sh [preset ...]      default: fig1 fig2a fig2b
#
# Leaves results/quickstart/NAME.h5, NAME.png and NAME.svg. Run again, it goes on where it was.
# Exit codes: 2 something has to be installed first (it says what); else those of `cotscale run`.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

presets=("$@")
((${#presets[@]} > 0)) || presets=(fig1 fig2a fig2b)
for preset in "${presets[@]}"; do
    if [[ ! -f $root/jobs/presets/$preset.toml ]]; then
        echo "cotscale: there is no preset $preset; there are: $(cd "$root/jobs/presets" && echo *.toml | sed 's/\.toml//g')" >&2
        exit 2
    fi
done

install_packages "${build_packages[@]}"
find_python "numpy, xarray, netCDF4, matplotlib"

say "building"
build release

output=$root/results/quickstart
ranks=$(nproc)
mkdir -p "$output"
files=()
for preset in "${presets[@]}"; do
    say "$preset on $ranks ranks"
    if grep -q '^\[models' "$root/jobs/presets/$preset.toml"; then
        OMP_NUM_THREADS=1 "$root/jobs/launch.sh" -n "$ranks" --map-by slot:OVERSUBSCRIBE --bind-to none \
            "$root/build/release/cotscale" run "$root/jobs/presets/$preset.toml" --output "$output/$preset.h5"
    else # no sweep, but a choice of tasks
        "$root/build/release/cotscale" select "$root/jobs/presets/$preset.toml" --output "$output/$preset.h5" --overwrite
    fi
    files+=("$output/$preset.h5")
done

export PYTHONPATH=$root/analysis${PYTHONPATH:+:$PYTHONPATH} PYTHONDONTWRITEBYTECODE=1
say "results"
"$python" -m cotscale_analysis table "${files[@]}"
say "figures"
"$python" -m cotscale_analysis figure "${files[@]}" --output "$output"
