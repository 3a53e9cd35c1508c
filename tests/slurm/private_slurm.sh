#!/usr/bin/env bash
# Runs a command inside a private Slurm of one node, this machine.
#
#   tests/slurm/private_slurm.sh COMMAND [ARGUMENT ...]
#
# Starts munged, slurmctld and slurmd as root, with keys, ports, spool and state of their own in a temporary directory, and
# runs COMMAND with SLURM_CONF set, so that sbatch, srun, squeue and scontrol speak to it. When COMMAND ends, its jobs are
# cancelled, the daemons stopped and the directory removed. A Slurm of the system, if there is one, is neither used nor touched.
# The directory is named in PRIVATE_SLURM_DIR.
#
# Exit codes: that of COMMAND, 77 when not root or not installed (and the reason), 1 when Slurm does not start.
# Needs Debian's slurm-wlm and munge.
# shellcheck disable=SC2317 # functions are called by traps and through wait_for
set -euo pipefail

readonly start_seconds=20 stop_seconds=5
export PATH=$PATH:/usr/sbin:/sbin

skip() {
    echo "skipped: $1"
    exit 77
}

check_prerequisites() {
    local program
    ((EUID == 0)) || skip "a private Slurm needs root"
    for program in munged slurmctld slurmd sbatch scontrol; do
        command -v "$program" >/dev/null || skip "$program is not installed (Debian: slurm-wlm munge)"
    done
}

# Polls `condition...` until it holds; fails after that many seconds.
wait_for() { # seconds condition...
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < deadline)) || return 1
        sleep 0.1
    done
}

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# The first of two neighbouring ports, below the ephemeral range, on which nothing listens.
two_free_ports() {
    local port
    while :; do
        port=$((20000 + RANDOM % 12000))
        answers "$port" || answers $((port + 1)) || break
    done
    echo "$port"
}

write_slurm_conf() {
    local node cpus port
    port=$(two_free_ports)
    node=$(hostname -s)
    cpus=$(env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc)
    ((cpus >= 2)) || cpus=2
    cat >"$SLURM_CONF" <<END
ClusterName=private
SlurmctldHost=$node(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/munge.socket,cred_expire=5
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0
SlurmdParameters=config_overrides
MpiDefault=none
ReturnToService=2
KillWait=2
PropagateResourceLimits=NONE
NodeName=$node NodeAddr=127.0.0.1 CPUs=$cpus
PartitionName=all Nodes=$node Default=YES MaxTime=INFINITE
END
}

start_daemons() {
    mkdir -m 0755 "$dir/state" "$dir/spool"
    (umask 077 && head -c 1024 /dev/urandom >"$dir/munge.key")
    munged --foreground --force --key-file="$dir/munge.key" --seed-file="$dir/munge.seed" --pid-file="$dir/munge.pid" \
        --log-file="$dir/munged.log" --socket="$dir/munge.socket" 2>"$dir/munged.err" &
    daemons+=($!)
    wait_for "$start_seconds" test -S "$dir/munge.socket"
    slurmctld -D -c -f "$SLURM_CONF" >/dev/null 2>&1 &
    daemons+=($!)
    slurmd -D -f "$SLURM_CONF" >/dev/null 2>&1 &
    daemons+=($!)
    wait_for "$start_seconds" node_is_idle
}

node_is_idle() { [[ $(sinfo --noheader --format=%T 2>/dev/null) == idle ]]; }
queue_is_empty() { [[ -z $(squeue --noheader 2>/dev/null) ]]; }

# Processes that jobs left behind: they carry our SLURM_CONF in their environment, as only the daemons do too.
job_processes() {
    local environment pid
    for environment in /proc/[0-9]*/environ; do
        pid=${environment//[^0-9]/}
        if [[ " $$ $BASHPID ${daemons[*]} " != *" $pid "* ]] && grep -qszx "SLURM_CONF=$SLURM_CONF" "$environment"; then
            echo "$pid"
        fi
    done
}

kill_all() { # signal process...
    local pid signal=$1
    shift
    for pid in "$@"; do kill "-$signal" "$pid" 2>/dev/null || true; done
}

stop() {
    trap '' INT TERM HUP
    set +e
    [[ -z $command ]] || kill_all TERM "$command"
    if ((${#daemons[@]} == 3)); then
        scancel --user=root 2>/dev/null
        wait_for "$stop_seconds" queue_is_empty
    fi
    # Nothing is worth saving, and slurmctld takes seconds to end by itself.
    # shellcheck disable=SC2046 # one process id a word
    kill_all KILL $(job_processes) "${daemons[@]}"
    wait 2>/dev/null
    rm -rf "$dir"
}

usage() {
    sed -n '2,/^set/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
}

main() {
    (($# > 0)) || usage
    check_prerequisites
    dir=$(mktemp -d "${TMPDIR:-/tmp}/private-slurm.XXXXXX")
    chmod 0755 "$dir"
    daemons=() command=''
    export PRIVATE_SLURM_DIR=$dir SLURM_CONF=$dir/slurm.conf
    trap stop EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    write_slurm_conf
    if ! start_daemons; then
        echo "private Slurm did not start within $start_seconds s; its logs:" >&2
        tail -n 20 "$dir"/*.log "$dir"/*.err >&2
        exit 1
    fi
    # In the background, so that a signal to this script is heard at once.
    local code=0
    "$@" <&0 &
    command=$!
    wait "$command" || code=$?
    command=''
    exit "$code"
}

main "$@"
