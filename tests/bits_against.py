"""Computes tests/bits/*.toml with two builds of the program, and compares what they store, variable by variable, bit for bit.

Usage: bits_against.py PROGRAM PROGRAM DIRECTORY (for their files). tests/bits_against.sh builds the programs and calls this.
"""
import fnmatch
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

import h5py
import numpy

TESTS = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(TESTS / "support"))
from inputs import write_inputs  # noqa: E402
from presets import command  # noqa: E402

# What a change of the file's layout does to names: where the number of an old variable is to be found in the new file,
# and what only a new file has. Attributes of groups are called GROUP@ATTRIBUTE, those of the root @ATTRIBUTE.
RENAMED = {}
NEW = {"identity_high", "identity_low", "failures/byte", "failures/cell", "failures/checksum", "failures/entry", "failures/message",
       "failures@without_entry", "matrices@left_out", "inputs/file"}
NEW |= {f"matrices/{name}" for name in ("feature", "other_feature", "direction", "output", "input")}
NEW |= {f"matrices/{kind}_{what}" for kind in ("target", "mixture", "candidate") for what in ("covariance", "eigenvalues")}
# Of these, what is no part of a cell's payload, whose checksum therefore stays.
BESIDE_PAYLOAD = set(NEW)
NEW.add("matrices/preconditioner")

# How a cell was computed, not what; and the file's own description, which covers these.
NOT_COMPARED = {"rank", "start_time", "wall_seconds", "attempt", "record_checksum", "training_seconds", "tokens_per_second",
                "integrity/seal", "integrity/description"}
# Inputs that a run has made differ from run to run; what is made of them is compared.
NOT_COMPARED |= {"inputs/sha256", "inputs/bytes", "inputs/offset", "inputs/content"}
# Of the provenance, what says how numbers were made. The rest tells which build ran, where and when.
COMPARED_PROVENANCE = {"provenance@seed", "provenance@rng", "provenance@sampler", "provenance@blas_threads"}
# Of what attributes a dataset has, none is compared: long names and units are words about numbers.


def without_digests(text):
    """The specification; files that a run has made differ from run to run (their times), and so do their checksums."""
    return re.sub(r"""(sha256 = )['"][0-9a-f]{64}['"]""", r"\1…", text)


def contents(path):
    """Everything of a file that is compared, by name: arrays, and lists of strings."""
    out = {}

    def add(name, node):
        if isinstance(node, h5py.Group):
            out.update({f"{name}@{key}": numpy.asarray(value) for key, value in node.attrs.items()})
        elif name not in NOT_COMPARED and not is_scale_without_values(node):
            values = node[()]
            out[name] = texts(values) if node.dtype == object else numpy.asarray(values)

    with h5py.File(path) as f:
        out.update({f"@{key}": numpy.asarray(value) for key, value in f.attrs.items()})
        f.visititems(add)
    return {name: value for name, value in out.items() if not name.startswith("provenance@") or name in COMPARED_PROVENANCE}


def is_scale_without_values(node):
    return b"This is a netCDF dimension but not a netCDF variable" in numpy.bytes_(node.attrs.get("NAME", b""))


def texts(values):
    return [without_digests(x.decode()) for x in numpy.atleast_1d(values).ravel()]


def squeezed(array):
    """Without dimensions of length 1: an axis that is new and has one value changes nothing."""
    return array.reshape([length for length in array.shape if length != 1])


def difference_of_texts(a, b):
    if isinstance(b, numpy.ndarray):
        return "was text, and is none now"
    lines = [set("\n".join(words).split("\n")) for words in (a, b)]
    changed = [f"  - {line}" for line in sorted(lines[0] - lines[1])] + [f"  + {line}" for line in sorted(lines[1] - lines[0])]
    return "\n".join(["the text differs" + ("" if changed else " in the order of its lines"), *changed[:10]])


def difference(a, b):
    """What differs between two values of one name, in words; empty if nothing does."""
    if isinstance(a, list):
        return difference_of_texts(a, b) if a != b else ""
    if isinstance(b, list):
        return "is text now"
    if a.dtype != b.dtype:
        return f"type {a.dtype}, now {b.dtype}"
    a, b = squeezed(a), squeezed(b)
    if a.shape != b.shape:
        return f"shape {a.shape}, now {b.shape}"
    if a.tobytes() == b.tobytes():
        return ""
    if a.dtype.kind not in "fiu":
        return f"{a} is {b} now"
    bits = (numpy.frombuffer(x.tobytes(), numpy.uint8).reshape(a.size, a.dtype.itemsize) for x in (a, b))
    count = int(numpy.any(next(bits) != next(bits), axis=1).sum())
    return f"{count} of {a.size} values differ, {relative(a.ravel().astype(float), b.ravel().astype(float))}"


def relative(a, b):
    """The largest relative difference, in words."""
    both = numpy.isfinite(a) & numpy.isfinite(b)
    scale = numpy.maximum(abs(a[both]), abs(b[both]))
    largest = (abs(a[both] - b[both]) / numpy.where(scale > 0, scale, 1)).max(initial=0)
    others = int(((numpy.isfinite(a) != numpy.isfinite(b)) | ((numpy.isnan(a) != numpy.isnan(b)))).sum())
    return f"by up to {largest:.2g}, relative" + (f"; {others} of them are finite, infinite or NaN on one side only" if others else "")


def compare(old, new):
    """(lines about what differs, number of variables that are equal, notes)."""
    lines, notes, same = [], [], 0
    renamed = {name: RENAMED.get(name, name) for name in old}
    payload_changed = any(name != renamed[name] for name in old) or bool((NEW - BESIDE_PAYLOAD) & (set(new) - set(old)))
    for name, now in renamed.items():
        if name == "checksum" and payload_changed:
            notes.append("checksum: not compared, since names of variables have changed, and their order may have")
            continue
        said = difference(old[name], new[now]) if now in new else f"is missing{f' under its new name {now}' if now != name else ''}"
        if said:
            lines.append(f"{name}: {said}")
        else:
            same += 1
    lines += [f"{name}: is new, and not listed as NEW" for name in sorted(set(new) - set(renamed.values()) - NEW)]
    return lines, same, notes


def compute(program, directory, specification):
    """The file that the program makes of a specification, and the seconds that it took."""
    out = directory / f"{specification.stem}.h5"
    begin = time.monotonic()
    done = subprocess.run([program, command(specification), directory / specification.name, "--output", out, *extra(specification)],
                          env={**os.environ, "OMP_NUM_THREADS": "2"}, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        print(done.stdout + done.stderr, file=sys.stderr)
        raise SystemExit(f"{program} ended with {done.returncode} on {specification}")
    return out, time.monotonic() - begin


def extra(specification):
    return ["--allow-diverged", "--progress", "none"] if command(specification) == "run" else []


def prepared(directory, specifications):
    directory.mkdir(parents=True)
    write_inputs(directory)
    for specification in specifications:
        shutil.copy(specification, directory)


def main(first, second, results):
    pattern = os.environ.get("COTSCALE_BITS_ONLY", "*")
    specifications = [path for path in sorted((TESTS / "bits").glob("*.toml")) if fnmatch.fnmatch(path.stem, pattern)]
    if not specifications:
        raise SystemExit(f"no specification in {TESTS / 'bits'} is called {pattern}")
    directories = [pathlib.Path(results) / name for name in ("first", "second")]
    shutil.rmtree(results, ignore_errors=True)
    prepared(directories[0], specifications)
    shutil.copytree(directories[0], directories[1])  # byte for byte: files are known by their digests
    equal = different = 0
    seconds = 0.0
    for specification in specifications:
        files = [compute(program, directory, specification) for program, directory in zip((first, second), directories)]
        lines, same, notes = compare(*(contents(path) for path, _ in files))
        seconds += sum(taken for _, taken in files)
        equal, different = equal + same, different + len(lines)
        print(f"{specification.stem}: {same} equal, {len(lines)} different ({files[0][1]:.1f} s, {files[1][1]:.1f} s)")
        for line in [*lines, *notes]:
            print("    " + line.replace("\n", "\n    "), flush=True)
    print(f"{'DIFFERENT' if different else 'equal'}: {len(specifications)} specifications, {equal} variables equal, {different} different; "
          f"{seconds:.0f} s of running")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
