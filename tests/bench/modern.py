#!/usr/bin/env python3
"""Makes the virtual environment of the modern peers, PyTorch 2 and JAX for CPUs, of the versions in peers/modern.txt; one that is there
is kept. Usage: modern.py DIRECTORY

Exits with 1 and says why where there can be none: PyPI, which pip must reach by its own configuration, is out of reach, say."""
import hashlib
import pathlib
import re
import shutil
import subprocess
import sys

PACKAGES = pathlib.Path(__file__).resolve().parent / "peers/modern.txt"
# The compiler of PyTorch 2 needs the headers of Python, which Debian has in python3-dev.
USABLE = "import ensurepip, os, sysconfig; assert os.path.exists(sysconfig.get_path('include') + '/Python.h')"


class Unavailable(Exception):
    pass


def run(*command, **options):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise Unavailable(f"{pathlib.Path(command[0]).name}: " + (done.stderr.strip().splitlines() or ["failed"])[-1])
    return done.stdout


def python_with_headers():
    for python in "/usr/bin/python3", sys.executable:
        if subprocess.run([python, "-c", USABLE], capture_output=True).returncode == 0:
            return python
    raise Unavailable("no Python has pip and the headers; Debian: apt-get install --no-install-recommends python3-dev python3-venv")


def stand_in_for_graphics_libraries(libraries):
    """PyTorch's wheel for Linux on x86-64 is linked with libraries for graphics cards, gigabytes that no CPU ever calls. One small
    library takes their places: it has their functions, and each of them aborts. The runtime alone, which registers kernels, is real."""
    needed, undefined = set(), set()
    for library in libraries.glob("lib*.so*"):
        needed |= set(re.findall(r"\(NEEDED\).*\[(lib(?:cu|nv|nccl)[^]]+)\]", run("readelf", "-d", library)))
        symbols = run("nm", "-D", "--undefined-only", library).splitlines()
        undefined |= {line.split()[-1].split("@")[0] for line in symbols if line}
    absent = {name for name in needed if not name.startswith("libcudart")}
    if not absent:
        return
    theirs = re.compile("_?(cublas|cudnn|p?nccl|nvshmem|cusparse|cufft|curand|nvrtc|cuFile|cusolver|cupti|cu[A-Z])")
    functions = "".join(f"void {name}(void) {{ abort(); }}\n" for name in sorted(undefined) if theirs.match(name))
    source = "void abort(void);\n" + functions
    run("cc", "-shared", "-fPIC", "-fno-builtin", "-x", "c", "-", "-o", libraries / "libabsent.so", input=source)
    for name in absent:
        (libraries / name).symlink_to("libabsent.so")


def make(directory):
    mark = directory / "made-of"
    contents = hashlib.sha256(PACKAGES.read_bytes()).hexdigest()
    if mark.exists() and mark.read_text() == contents:
        return
    shutil.rmtree(directory, ignore_errors=True)
    print("modern peers: installing PyTorch 2 and JAX, 0.8 GB from PyPI (2 GB on disk)", flush=True)
    run(python_with_headers(), "-m", "venv", directory)
    python = directory / "bin/python"
    run(python, "-m", "pip", "install", "--no-deps", "--only-binary", ":all:", "-r", PACKAGES)
    (site,) = directory.glob("lib/python3*/site-packages")
    stand_in_for_graphics_libraries(site / "torch/lib")
    run(python, "-c", "import jax.numpy, torch; torch.ones(2, 2) @ torch.ones(2, 2); jax.numpy.ones(2).sum()")
    mark.write_text(contents)


def main():
    try:
        make(pathlib.Path(sys.argv[1]))
    except (Unavailable, OSError) as problem:
        sys.exit(f"modern peers: skipped, since they cannot be installed ({problem})")


main()
