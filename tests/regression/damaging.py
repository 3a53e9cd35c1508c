"""Complete results files of each kind, and bits of them that are flipped."""

import pathlib
import random
import subprocess
import sys

from conftest import COTSCALE, GPT2_SPEC, LEARNING_SPEC, LONG, SELECTION_SPEC, SPEC, Program

SPECS = {"lsa": SPEC, "learning": LEARNING_SPEC, "gpt2": GPT2_SPEC, "selection": SELECTION_SPEC}


def complete_files(tmp_path_factory):
    """A complete file of each kind."""
    out = {}
    for name, text in SPECS.items():
        program = Program(pathlib.Path(tmp_path_factory.mktemp(name)))
        program.spec.write_text(text)
        program.run() if name != "selection" else program("select", program.spec, "--output", program.out)
        out[name] = program
    return out


def of(files, name, directory):
    """A copy of that file, and the specification that resumes it."""
    program = Program(directory)
    program.spec.write_text(SPECS[name])
    program.out.write_bytes(files[name].out.read_bytes())
    return program


def flip(path, place, bit):
    with open(path, "r+b") as f:
        f.seek(place)
        byte = f.read(1)[0]
        f.seek(place)
        f.write(bytes([byte ^ (1 << bit)]))


def flips(path, seed, count):
    """Places all over the file, more of them where there are strings, structure and records: at its beginning and end."""
    rng, size = random.Random(seed), path.stat().st_size
    near = [rng.randrange(min(size, 16384)) for _ in range(count // 4)]
    last = [size - 1 - rng.randrange(min(size, 16384)) for _ in range(count // 4)]
    return [(place, rng.randrange(8)) for place in [*near, *last, *(rng.randrange(size) for _ in range(count - count // 4 * 2))]]


def ended(command, environment, expected, where):
    """Runs it; it may refuse, but not crash, hang or speak of an internal error."""
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    assert done.returncode in expected and "Traceback" not in done.stderr, (where, done.returncode, done.stdout + done.stderr)
    return done.returncode


def crash_nothing(files, name, directory):
    """Every program of ours reads a file with a flipped bit, at some places: it refuses, mends, or has an answer."""
    program = of(files, name, directory)
    whole = program.out.read_bytes()
    for number, (place, bit) in enumerate(flips(program.out, name + " again", 100 if LONG else 5)):
        flip(program.out, place, bit)
        (directory / f"{number}.h5").write_bytes(program.out.read_bytes())
        where = (name, place, bit)
        ended([COTSCALE, "status", program.out], program.environment(), [0, 65, 74], where)
        if name != "selection":
            # It refuses what it cannot mend, and computes a damaged cell again.
            command = program.command("run", program.spec, "--output", program.out)
            program("verify", program.out, code=ended(command, program.environment(), [0, 74], where))
        program.out.write_bytes(whole)
    tables = "import sys; from cotscale_analysis.__main__ import main; sys.exit(not {main(['table', f]) for f in sys.argv[1:]} <= {0, 65, 74})"
    copies = sorted(directory.glob("[0-9]*.h5"))
    ended([sys.executable, "-c", tables, *copies], program.environment(), [0], name)
