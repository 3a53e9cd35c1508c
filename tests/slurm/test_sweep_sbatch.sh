#!/usr/bin/env bash
# Submits jobs/slurm/sweep.sbatch to a private Slurm and looks at what becomes of it.
#
#   tests/slurm/test_sweep_sbatch.sh [COTSCALE]        (default: build/release/cotscale)
#
# Exit codes: 0 passed, 1 failed, 77 skipped (and the reason). Needs root and Debian's slurm-wlm, munge and openmpi-bin.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$(cd "$here/../.." && pwd)
binary=$(realpath "${1:-$repository/build/release/cotscale}")

if [[ -z ${TEST_SWEEP_SBATCH:-} ]]; then
    for program in mpirun lscpu; do
        command -v "$program" >/dev/null || { echo "skipped: $program is not installed"; exit 77; }
    done
    [[ -x $binary ]] || { echo "no cotscale at $binary" >&2; exit 1; }
    TEST_SWEEP_SBATCH=inside exec "$here/private_slurm.sh" "${BASH_SOURCE[0]}" "$binary"
fi

work=$PRIVATE_SLURM_DIR/work
mkdir "$work"
cd "$work"

# ---- helpers

fail() {
    echo "FAILED: $*" >&2
    tail -n 40 ./*.log >&2 || true
    tail -n 15 "$PRIVATE_SLURM_DIR"/slurm*.log >&2
    exit 1
}

passed() { echo "ok: $*"; }

wait_for() { # what seconds condition...
    local what=$1 deadline=$((SECONDS + $2))
    shift 2
    until "$@"; do
        ((SECONDS < deadline)) || fail "timed out: $what"
        sleep 0.1
    done
}

# Prints the job's id; its output goes to JOB.log.
submit() { sbatch --parsable --exclusive --output=%j.log "$@"; }

field() { # job name
    scontrol show job --oneliner "$1" | sed -n "s/.* $2=\([^ ]*\).*/\1/p"
}

# A requeued job is pending again, not ended.
has_ended() { [[ $(field "$1" JobState) =~ ^(COMPLETED|FAILED|CANCELLED|TIMEOUT|NODE_FAIL)$ ]]; }

expect_end() { # job state exit-code
    wait_for "the end of job $1" 120 has_ended "$1"
    local end
    end="$(field "$1" JobState) $(field "$1" ExitCode)"
    [[ $end == "$2 $3:0" ]] || fail "job $1 ended as '$end', not '$2 $3:0'"
}

expect_line() { # job regular-expression
    grep -qE -- "$2" "$1.log" || fail "job $1 printed no line '$2'"
}

expect_lines() { # count job regular-expression
    local count
    count=$(grep -cE -- "$3" "$2.log") || true
    ((count == $1)) || fail "job $2 printed $count lines '$3', not $1"
}

prints_line() { grep -qsE -- "$2" "$1.log"; }

# ---- the inputs, and a cotscale that first says how it was started

write_inputs() {
    cat >sweep.toml <<'END'
[sweep]
name = "slurm"
models = ["lsa"]
mixtures = ["matched"]
hardness = [8.0]
n = [20]
repeats = 40

[task]
d = 6

[test]
k = 4
m = 40
prompts = 100

[models.lsa]
architecture = "lsa"
training = "closed_form"
END
    echo 'nonsense = 1' >bad.toml
    cat >cotscale <<END
#!/bin/sh
if [ "\$1" = run ]; then
    echo "started rank \$PMIX_RANK: threads \$OMP_NUM_THREADS, places \${OMP_PLACES:-any}, bind \$OMP_PROC_BIND," \\
        "cpus \$(sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/self/status)"
fi
if [ "\$1" = status ] && [ -e "$work/status_fails" ]; then exit 74; fi
exec "$binary" "\$@"
END
    chmod +x cotscale
    export COTSCALE=$work/cotscale
}

sweep() { # sbatch options -- arguments of the script
    local options=()
    while [[ $1 != -- ]]; do
        options+=("$1")
        shift
    done
    shift
    submit "${options[@]}" "$repository/jobs/slurm/sweep.sbatch" "$@"
}

# ---- what is tested

# Two ranks of one thread, each on one CPU of its own.
ranks_are_bound() {
    local job cpus
    job=$(sweep --ntasks=2 -- sweep.toml two_ranks.h5)
    expect_end "$job" COMPLETED 0
    expect_lines 2 "$job" '^started rank [01]: threads 1, '
    expect_line "$job" ' 2 ranks × 1 threads '
    expect_line "$job" '^sweep.sbatch: 0: done'
    if (($(nproc) >= 2)); then
        expect_lines 2 "$job" 'threads 1, places cores, bind close, cpus [0-9]+$'
        cpus=$(sed -n 's/^started .* cpus //p' "$job.log" | sort -u | wc -l)
        ((cpus == 2)) || fail "the ranks of job $job share a CPU"
    fi
    passed "two ranks, each on a CPU of its own"
}

# One rank of two threads on two CPUs.
threads_are_bound() {
    local job
    job=$(sweep --ntasks=1 --cpus-per-task=2 -- sweep.toml two_threads.h5)
    expect_end "$job" COMPLETED 0
    expect_lines 1 "$job" '^started rank 0: threads 2, '
    expect_line "$job" ' 1 ranks × 2 threads '
    if (($(nproc) >= 2)); then expect_line "$job" 'places cores, bind close, cpus [0-9]+[-,][0-9]+$'; fi
    passed "one rank of two threads on two CPUs"
}

errors_pass_through() {
    local job
    job=$(sweep -- missing.toml out.h5)
    expect_end "$job" FAILED 2
    expect_line "$job" "no specification 'missing.toml'"
    job=$(COTSCALE=$work/missing sweep -- sweep.toml out.h5)
    expect_end "$job" FAILED 2
    expect_line "$job" "no cotscale at '$work/missing'"
    job=$(sweep -- bad.toml out.h5)
    expect_end "$job" FAILED 2
    expect_line "$job" '^sweep.sbatch: 2: usage or specification error'
    [[ ! -e out.h5 ]] || fail "a bad specification left a file"
    passed "errors end the job with 2"
}

done_cells() { "$binary" status "$1" 2>/dev/null | sed -n 's/^ *done *\([0-9]*\)$/\1/p'; }

has_done() { # file cells
    local cells
    cells=$(done_cells "$1")
    ((${cells:-0} >= $2))
}

has_restarted() { (($(field "$1" Restarts) == $2)); }

stop_early() { # job
    scancel --signal=USR1 --batch "$1" || fail "job $1 was over before it could be stopped: its cells are too quick"
}

# Some seconds of work for two ranks: cells of half a second, in which it can be stopped.
readonly long=(sweep.toml long.h5 --set test.prompts=10000 --set test.m=400 --set test.sampler=explicit --set test.baselines=false)

# USR1 stops the ranks and requeues the job. Slurm lets it wait for some seconds; held, it waits while other jobs are tested.
starts_and_is_requeued() {
    long_job=$(COTSCALE_MAX_REQUEUES=1 sweep --ntasks=2 -- "${long[@]}" --overwrite)
    wait_for "the first cell of job $long_job" 30 has_done long.h5 1
    stop_early "$long_job"
    wait_for "the requeueing of job $long_job" 20 has_restarted "$long_job" 1
    scontrol hold "$long_job"
    expect_line "$long_job" '^sweep.sbatch: 75: stopped early'
    expect_line "$long_job" '^sweep.sbatch: requeued, restart 1 of at most 1$'
    first_cells=$(done_cells long.h5)
    passed "USR1 ends the run with 75, and the job is requeued ($first_cells cells done)"
}

# It goes on where it was stopped, in spite of --overwrite; the second stop is one too many for COTSCALE_MAX_REQUEUES.
goes_on_until_the_limit() {
    scontrol release "$long_job"
    wait_for "the restart of job $long_job" 30 prints_line "$long_job" "^sweep.sbatch: job $long_job, restart 1,"
    wait_for "the cells of job $long_job" 10 prints_line "$long_job" "\($first_cells done before\), 2 ranks"
    stop_early "$long_job"
    expect_end "$long_job" FAILED 75
    expect_line "$long_job" '^sweep.sbatch: not requeued: it has been 1 times'
    passed "the requeued job goes on, and COTSCALE_MAX_REQUEUES ends it with 75 ($(done_cells long.h5) cells done)"
}

submitting_again_completes() {
    local job sum
    job=$(sweep --ntasks=2 -- "${long[@]}")
    expect_end "$job" COMPLETED 0
    (($(done_cells long.h5) == 40)) || fail "long.h5 is not complete"
    "$binary" verify long.h5 >/dev/null || fail "long.h5 has damaged cells"
    sum=$(sha256sum long.h5)
    job=$(sweep --ntasks=2 -- "${long[@]}")
    expect_end "$job" COMPLETED 0
    [[ $(sha256sum long.h5) == "$sum" ]] || fail "submitting again changed a complete file"
    passed "submitting again completes the file, and once more changes nothing"
}

another_specification_is_refused() {
    local job
    job=$(sweep --ntasks=2 -- "${long[@]}" --set sweep.seed=2)
    expect_end "$job" FAILED 65
    expect_line "$job" '^sweep.sbatch: 65: long.h5 belongs to another specification'
    passed "another specification for the same file ends with 65"
}

# That the cells cannot be counted does not mean that there are none.
is_requeued_although_status_fails() {
    local job
    touch status_fails
    job=$(COTSCALE_MAX_REQUEUES=1 sweep --ntasks=2 -- sweep.toml uncounted.h5 "${long[@]:2}")
    wait_for "the first cell of job $job" 30 has_done uncounted.h5 1
    stop_early "$job"
    wait_for "the requeueing of job $job" 30 has_restarted "$job" 1
    expect_line "$job" '^sweep.sbatch: the cells that are done could not be counted'
    expect_line "$job" '^sweep.sbatch: requeued, restart 1 of at most 1$'
    scancel "$job"
    rm status_fails
    passed "a job is requeued although status fails"
}

runs_under_srun() {
    local job
    if [[ $(srun --mpi=list 2>&1) != *pmix* ]]; then
        echo "not tested: COTSCALE_LAUNCHER=srun, this Slurm has no pmix"
        return
    fi
    job=$(COTSCALE_LAUNCHER=srun sweep --ntasks=2 -- sweep.toml srun.h5)
    expect_end "$job" COMPLETED 0
    expect_lines 2 "$job" '^started rank [01]: threads 1, places any, bind false'
    passed "srun starts two ranks"
}

write_inputs
starts_and_is_requeued
ranks_are_bound
threads_are_bound
errors_pass_through
goes_on_until_the_limit
submitting_again_completes
another_specification_is_refused
is_requeued_although_status_fails
runs_under_srun
echo "all passed in $SECONDS s"
