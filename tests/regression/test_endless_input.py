"""Input that never ends, or is far too much: an answer within seconds, or a sign of life."""

import os
import resource
import subprocess
import time

import pytest

from conftest import COTSCALE, SPEC

SOON = 30  # seconds for an answer, on a machine that has much else to do; alone it takes less than one


def answer(program, *arguments, code=2, **options):
    return program(*arguments, code=code, timeout=SOON, **options)


@pytest.fixture(params=["pipe", "device", "directory"])
def endless(request, program):
    path = program.directory / "endless"
    if request.param == "pipe":
        os.mkfifo(path)
    elif request.param == "device":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
    return path, request.param


def test_what_is_no_regular_file_is_not_read(program, endless):
    path, kind = endless
    for command in (["plan", path], ["theory", path], ["run", path, "--output", program.out]):
        assert f"endless: is a {kind}" in answer(program, *command, code=74)
    for command in ("status", "verify"):
        assert "not a file" in answer(program, command, path, code=74)
    given = ["--set", "mixtures.mine.spectrum='file'", "--set", f"mixtures.mine.file='{path}'"]
    program.spec.write_text(SPEC.replace("eigenvalues = [3, 1, 1, 0.5, 0]", ""))
    assert f"endless: is a {kind}" in answer(program, "plan", program.spec, *given)
    assert f"endless: is a {kind}" in answer(program, "plan", program.spec, "--set", f"tasks.file='{path}'")


@pytest.mark.parametrize("text", [
    "[" + ".".join("a" * 100_000) + "]",
    ".".join("a" * 100_000) + " = 1",
    "x = " + "[" * 100_000 + "]" * 100_000,
    "x = " + "{a=" * 100_000 + "1" + "}" * 100_000,
], ids=["header", "key", "lists", "tables"])
def test_what_is_nested_too_deeply_is_refused(program, text):
    program.spec.write_text(SPEC + text + "\n")
    said = answer(program, "plan", program.spec)
    assert f"spec.toml:{SPEC.count(chr(10)) + 1}: " in said and "nested deeper than 64 levels" in said


def test_an_override_that_is_nested_too_deeply_is_refused(program):
    assert "nested deeper" in answer(program, "plan", program.spec, "--set", ".".join("a" * 10_000) + "=1")


def test_dots_and_brackets_in_strings_and_comments_are_no_levels(program):
    program.spec.write_text(SPEC.replace('"regression"', '"' + "[.{" * 200 + '"') + "# " + "[." * 200 + "\n")
    program("plan", program.spec)


def test_twenty_problems_are_named_and_the_others_counted(program):
    program.spec.write_text("\n".join(f"key{i} = 1" for i in range(100_000)) + SPEC)
    said = answer(program, "plan", program.spec)
    assert said.count("unknown key") == 20 and "and 99980 more problems" in said and len(said) < 10_000


def test_long_words_and_lists_are_shortened(program):
    program.spec.write_text("k" * 1_000_000 + " = 1\n" + SPEC.replace("d = 5", f"d = {list(range(100_000))}"))
    said = answer(program, "plan", program.spec)
    assert "task.d must be an integer, not the array of 100000 values" in said and len(said) < 10_000


def test_a_long_file_is_no_specification(program):
    program.spec.write_text("#" + "x" * 17_000_000)
    assert "longer than 16 MB" in answer(program, "plan", program.spec, code=74)


def test_many_models_that_are_not_there(program):
    names = ", ".join(f'"m{i}"' for i in range(50_000))
    tables = "\n".join(f'[models.x{i}]\narchitecture = "lsa"' for i in range(20_000))
    program.spec.write_text(SPEC.replace('"descent", "closed"', names) + tables)
    assert "more problems" in answer(program, "plan", program.spec)


def test_more_cells_than_a_file_can_hold(program):
    assert "make 2.4e+09 cells" in answer(program, "plan", program.spec, "--set", "sweep.repeats=1000000", "--set",
                                          f"sweep.n={list(range(1, 201))}")


def test_numbers_beyond_use(program):
    assert "on 1000000000 ranks" in answer(program, "plan", program.spec, "--ranks", "1000000000", code=0)
    for digits in (400, 30):
        said = answer(program, "run", program.spec, "--output", program.out, "--max-time", "9" * digits)
        assert "--max-time 999" in said and len(said) < 300
    assert "choose auto" in answer(program, "run", program.spec, "--output", program.out, "--progress", "foo")
    assert "auto|bar|log|none" in program("run", "--help")


def test_matrices_beyond_the_memory_are_refused_at_once(program):
    large = ("--set", "task.d=17000", "--set", "sweep.hardness=20000.0", "--set", "sweep.mixtures='matched'")
    program.spec.write_text(SPEC.replace("[mixtures.mine]\n", "").replace('spectrum = "list"\n', "").replace("eigenvalues = [3, 1, 1, 0.5, 0]", ""))
    for command in (["plan", program.spec], ["theory", program.spec], ["run", program.spec, "--output", program.out]):
        assert "task.d = 17000 needs about" in answer(program, *command, *large)


TASKS = """
[task]
d = 100
[target]
spectrum = "power_law"
exponent = 0.5
[tasks]
exponents = [0.2, 0.8]
directions = [20, 100]
each = 500
[select]
n = 200
m = 1000
k = 5
"""


def test_what_takes_long_says_so(program):
    program.spec.write_text(TASKS)
    process = subprocess.Popen(program.command("select", program.spec, "--output", program.out), cwd=program.directory,
                               env=program.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        begin = time.monotonic()
        assert process.stderr.readline().startswith("cotscale: select, 2 s so far")
        assert time.monotonic() - begin < SOON
    finally:
        process.kill()
        process.wait()


@pytest.mark.skipif("asan" in COTSCALE, reason="sanitizers need terabytes of address space")
@pytest.mark.parametrize("kilobytes", [150_000, 250_000, 300_000, 400_000])
def test_a_limit_on_address_space_is_named(program, kilobytes):
    limit = lambda: resource.setrlimit(resource.RLIMIT_AS, (kilobytes * 1024, kilobytes * 1024))
    done = subprocess.run(program.command("theory", program.spec), cwd=program.directory, env=program.environment(4),
                          capture_output=True, text=True, timeout=SOON, preexec_fn=limit)
    assert done.returncode == 2 and "ulimit -v" in done.stderr and "OpenBLAS" in done.stderr, (done.returncode, done.stderr)


def test_threads_that_are_bound_are_enough(program):
    if os.cpu_count() < 2:
        pytest.skip("one core")
    environment = {**program.environment(2), "OMP_PROC_BIND": "close"}
    done = subprocess.run(program.command("run", program.spec, "--output", program.out, ranks=1), env=environment,
                          cwd=program.directory, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "1 ranks × 2 threads" in done.stderr and "OpenMP threads" not in done.stderr, done.stderr


def wait_policy(program, **extra):
    """What a program that has begun to work has in its environment; it still is what was started."""
    process = subprocess.Popen(program.command("select", program.spec, "--output", program.out), cwd=program.directory,
                               env={**program.environment(), **extra}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        assert "so far" in process.stderr.readline()
        with open(f"/proc/{process.pid}/environ") as f, open(f"/proc/{process.pid}/comm") as name:
            assert name.read().strip() == os.path.basename(COTSCALE)
            return {word for word in f.read().split("\0") if word.startswith(("OMP_WAIT", "GOMP_SPIN"))}
    finally:
        process.kill()
        process.wait()


def test_threads_wait_asleep_unless_the_user_says_otherwise(program):
    program.spec.write_text(TASKS)
    assert wait_policy(program) == {"OMP_WAIT_POLICY=passive"}
    assert wait_policy(program, OMP_WAIT_POLICY="active") == {"OMP_WAIT_POLICY=active"}
    assert wait_policy(program, GOMP_SPINCOUNT="5") == {"GOMP_SPINCOUNT=5"}
