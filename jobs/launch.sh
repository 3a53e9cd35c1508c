#!/usr/bin/env bash
# mpirun with exit codes that mean what cotscale says, whatever signal arrives.
#
#   jobs/launch.sh [options of mpirun] cotscale run SPEC.toml --output OUT.h5 …
#
# mpirun by itself answers TERM, INT and HUP with the exit code 1, and kills its ranks soon after. This script hands them on as USR2, which
# mpirun forwards and on which cotscale stops at once, and USR1 (finish the current cells) as it is. It ends with the code that the ranks
# have agreed on, also where a signal reached mpirun itself; with 70 where they could not agree on any.
set -u

if (($# == 0)); then
    echo "usage: launch.sh [options of mpirun] cotscale run SPEC.toml --output OUT.h5 ..." >&2
    exit 2
fi

# mpirun without open streams takes a pipe of its own for them, hands output round in it, and grows until memory is gone.
[[ -e /proc/$$/fd/0 ]] || exec 0</dev/null
[[ -e /proc/$$/fd/1 ]] || exec 1>/dev/null
[[ -e /proc/$$/fd/2 ]] || exec 2>/dev/null

requested=
launcher=
# shellcheck disable=SC2317 # called by trap
pass_on() {
    requested=$1
    [[ -z $launcher ]] || kill -s "$1" "$launcher" 2>/dev/null
}
trap 'pass_on USR1' USR1
trap 'pass_on USR2' TERM INT HUP USR2 XCPU

if agreed=$(mktemp 2>/dev/null); then
    export COTSCALE_EXIT_CODE_FILE=$agreed
    trap 'rm -f "$agreed"' EXIT
fi

# A process group of its own, so that Ctrl-C at a terminal reaches this script only.
set -m
mpirun "$@" </dev/null &
launcher=$!
set +m
[[ -z $requested ]] || kill -s "$requested" "$launcher" 2>/dev/null
while :; do
    wait "$launcher"
    code=$?
    kill -0 "$launcher" 2>/dev/null || break # else a signal has interrupted waiting
done

if [[ -n $requested ]] && ((code == 128 + $(kill -l "$requested"))); then
    code=75 # before the ranks expected signals, so before they began
elif ((code == 1)) && [[ -s ${agreed:-} ]]; then
    read -r code <"$agreed"
elif ((code == 1)); then
    echo "launch.sh: mpirun has started no rank; see above" >&2
    code=70
fi
exit "$code"
