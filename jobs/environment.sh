# Sourced by quickstart.sh and tests/run.sh: what they need from the machine, and how they get it.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

build_packages=(
    g++ cmake ninja-build git ca-certificates
    libopenmpi-dev openmpi-bin openssh-client
    libopenblas-openmp-dev liblapacke-dev libxsmm-dev libhdf5-openmpi-dev
    libtomlplusplus-dev libcli11-dev libfmt-dev libxxhash-dev libssl-dev
    python3 python3-numpy python3-xarray python3-h5py python3-netcdf4 python3-h5netcdf python3-matplotlib
)
test_packages=(
    libgtest-dev libgmock-dev librandom123-dev python3-pytest python3-scipy python3-torch hdf5-tools procps mount util-linux hostname clang-format
    slurm-wlm munge
)
long_test_packages=(clang-tidy libomp-dev)

say() { printf '\n== %s\n' "$*"; }

# Installs those of the packages that are missing, as root with apt. Otherwise leaves it to the checks that follow: the libraries may come
# from modules.
install_packages() {
    local package missing=()
    command -v dpkg-query >/dev/null && command -v apt-get >/dev/null || return 0
    for package in "$@"; do
        [[ $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) == 'install ok installed' ]] || missing+=("$package")
    done
    ((${#missing[@]} > 0)) || return 0
    if ((EUID != 0)); then
        not_installed+=("${missing[@]}")
        return 0
    fi
    say "installing ${missing[*]}"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# Says what to install, and ends with 2.
give_up() {
    echo "cotscale: $1" >&2
    if ((${#not_installed[@]} > 0)); then
        echo "  Debian, as root:  apt-get install ${not_installed[*]}" >&2
    elif command -v apt-get >/dev/null; then
        echo "  Debian, as root:  apt-get install --reinstall ${build_packages[*]}" >&2
    fi
    echo "  On a cluster:     module load gcc cmake openmpi openblas hdf5 (each the MPI or OpenMP build) python, with the" >&2
    echo "                    headers of toml++, CLI11, fmt, xxHash and OpenSSL on CMAKE_PREFIX_PATH, and numpy," >&2
    echo "                    xarray, h5py, netCDF4, h5netcdf and matplotlib for python3" >&2
    exit 2
}
not_installed=()

# Sets `python` to an interpreter that has the given modules; the one on PATH may not.
find_python() {
    local candidate
    for candidate in "${PYTHON:-}" /usr/bin/python3 python3; do
        if [[ -n $candidate ]] && "$candidate" -c "import $1" 2>/dev/null; then
            python=$candidate
            return 0
        fi
    done
    give_up "no Python has $1"
}

# build PRESET [cmake arguments]: configures and builds into build/PRESET.
build() {
    local preset=$1
    shift
    command -v cmake >/dev/null && command -v ninja >/dev/null || give_up "cmake and ninja are needed"
    mkdir -p "$root/build"
    local log="$root/build/configure-$preset.log"
    if ! (cd "$root" && cmake --preset "$preset" "$@") >"$log" 2>&1; then
        sed -n '/Error/,$p' "$log" >&2
        give_up "configuring failed (all of it: $log)"
    fi
    (cd "$root" && cmake --build --preset "$preset")
}

# Open MPI refuses root unless it is told twice.
if ((EUID == 0)); then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi
