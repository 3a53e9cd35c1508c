"""Each way to go wrong has its exit code, and a message that says what to do. (Specifications: tests/unit/experiment/specification.cpp.)"""

import os
import pathlib
import resource
import shutil
import subprocess
import tempfile

import h5py
import numpy
import pytest

from conftest import GPT2_SPEC, Program


def set_key(program, old, new):
    text = program.spec.read_text()
    assert old in text
    program.spec.write_text(text.replace(old, new))


@pytest.mark.parametrize("old, new, words", [
    ("prompts = 100", "promts = 100", ["spec.toml:LINE", "unknown key test.promts", "did you mean test.prompts?"]),
    ("d = 5", 'd = "five"', ["spec.toml:LINE", "task.d must be an integer"]),
    ("n = [3, 10]", "n = [0, 10]", ["sweep.n must be at least 1"]),
    ("m = [2, 20]", "m = [0]", ["test.m must be at least 1"]),
    ("prompts = 100", "prompts = 0", ["test.prompts must be at least 1"]),
    ("k = 5", "k = -1", ["test.k must be at least 0"]),
    ("hardness = [6.0, 12.0]", "hardness = [4.0]", ["sweep.hardness", "at least d = 5"]),
    ("n = [3, 10]", "n = []", ["sweep.n is an empty list"]),
    ("n = [3, 10]", "n = [3, 3]", ["sweep.n has the value 3 twice"]),
    ('"descent", ', '"decent", ', ["no [models.decent]", 'did you mean "descent"?']),
    ('"skewed", ', '"skew", ', ['did you mean "skewed"?']),
    ("0.5, 0]", "0.5, -1]", ["mixtures.mine.eigenvalues", "not positive semi-definite"]),
    ('"mine"]', '"selected"]', ["sweep.mixtures", "no table [tasks]"]),
    ('training = "closed_form"', 'training = "samples"\nobjective = "process"', ["models.closed.k_train is missing"]),
    ('training = "closed_form"', 'training = "samples"\nmomentum = 0.5', ["models.closed.momentum", 'optimizer = "sgd" only']),
    ('training = "closed_form"', 'objective = "rollout"', ["models.closed.objective", 'needs training = "samples"']),
    ('architecture = "lsa"\ntraining', 'architecture = "gpt2"\ntraining', ["models.closed.size is missing", 'training must be "samples"']),
    ('architecture = "lsa"\ntraining = "closed_form"', 'architecture = "gpt2"\nsize = "tiny"', ["test.k is 5", "chains of its training only, 1 step;"]),
    ('training = "closed_form"', 'xyzzy = 5', ["unknown key models.closed.xyzzy; remove it (`cotscale keys models.NAME` lists all"]),
    ('training = "closed_form"', 'steps = 5', ["models.closed.steps", 'training = "samples" only']),
])
def test_a_wrong_specification(program, old, new, words):
    set_key(program, old, new)
    line = program.spec.read_text().split(new)[0].count("\n") + 1
    words = [word.replace("LINE", str(line)) for word in words]
    for text in (program("plan", program.spec, code=2), program.run(code=2)):
        assert all(word in text for word in words), text
        assert text.count("unknown key") <= 1, "one rank reports"
    assert not program.out.exists()


def test_a_cell_beyond_the_memory_is_refused_before_anything_is_written(program):
    program.spec.write_text(GPT2_SPEC.replace("n = [4, 8]", "n = [4, 100000000]"))
    for text in (program("plan", program.spec, code=2), program("theory", program.spec, code=2), program.run(code=2)):
        assert all(word in text for word in ("n 100000000", "GB of memory by estimate, this host has")), text
    assert not program.out.exists()


@pytest.mark.parametrize("arguments, words", [
    (["run"], ["SPEC is required"]),
    (["run", "spec.toml"], ["--output is required"]),
    (["run", "spec.toml", "--output", ""], ["--output: names no file"]),
    (["select", "spec.toml", "--output", ""], ["--output: names no file"]),
    (["frobnicate"], ["frobnicate"]),
    ([], ["subcommand is required"]),
    (["run", "spec.toml", "--output", "out.h5", "--set", "x"], ["write --set key=value"]),
    (["run", "spec.toml", "--output", "out.h5", "--max-time", "soon"], ["write a duration such as 90s"]),
    (["run", "spec.toml", "--output", "out.h5", "--progress", "loud"], ["--progress"]),
    (["plan", "spec.toml", "--ranks", "0"], ["--ranks"]),
    (["keys", "optimzer"], ["there is no table or key optimzer; did you mean optimizer?"]),
    (["keys", "xyzzy"], ["there is no table or key xyzzy; `cotscale keys` lists all"]),
    (["keys", "nonsense"], ["there is no table or key nonsense; `cotscale keys` lists all"]),
    (["keys", "sweep.nonsense"], ["there is no table or key sweep.nonsense"]),
    (["keys", "--renew", "spec.toml", "sweep"], ["--renew"]),
])
def test_a_wrong_command_line(program, arguments, words):
    text = program(*arguments, code=2)
    assert all(word in text for word in words), text


def test_keys_are_listed_by_table_and_by_name(program):
    everything, models, optimizer = program("keys"), program("keys", "models"), program("keys", "optimizer")
    assert all(f"[{table}]" in everything for table in ("sweep", "task", "test", "theory", "target", "mixtures.NAME", "tasks", "select", "models.NAME"))
    assert models.startswith("[models.NAME]") and models.strip() in everything and "[sweep]" not in models
    assert "momentum" in optimizer and "weight_decay" in optimizer and "architecture  " not in optimizer
    assert "axis of integers in 1 … 10⁸; required" in program("keys", "sweep")


def test_keys_are_found_as_a_specification_writes_them(program):
    assert program("keys", "sweep.n") == program("keys", "n") != program("keys", "sweep")
    assert program("keys", "models.steep") == program("keys", "models")
    assert program("keys", "models.lsa.optimizer") == program("keys", "optimizer")
    muon = program("keys", "muon")
    assert "muon_momentum  " in muon and "nesterov  " in muon and "\n  momentum  " not in muon


def test_tables_of_a_document_are_renewed(program, tmp_path):
    document = tmp_path / "keys.md"
    document.write_text("before\n<!-- keys of task: how -->\nstale\n<!-- end of keys -->\nafter\n")
    program("keys", "--renew", document)
    text = document.read_text()
    assert "stale" not in text and "| `d` | integer in 1 … 20000 | required |" in text
    assert text.startswith("before\n<!-- keys of task: how -->\n") and text.endswith("<!-- end of keys -->\nafter\n")


def test_a_missing_specification(program):
    assert "nowhere.toml: cannot read the file" in program("run", "nowhere.toml", "--output", "out.h5", ranks=2, code=74)


@pytest.mark.parametrize("write, words", [
    (lambda f: f.create_dataset("covariance", data=numpy.diag([1.0, 1, 1, 1, -1])), "not positive semi-definite"),
    (lambda f: f.create_dataset("covariance", data=numpy.triu(numpy.ones((5, 5)))), "not symmetric"),
    (lambda f: f.create_dataset("covariance", data=numpy.full((5, 5), numpy.nan)), "not finite"),
    (lambda f: f.create_dataset("covariance", data=numpy.eye(4)), "must have shape (5, 5)"),
    (lambda f: f.create_dataset("other", data=numpy.eye(5)), "no dataset `covariance`"),
])
def test_a_covariance_file_that_is_no_covariance(program, write, words):
    with h5py.File(program.directory / "covariance.h5", "w") as f:
        write(f)
    set_key(program, 'spectrum = "list"\neigenvalues = [3, 1, 1, 0.5, 0]', 'file = "covariance.h5"')
    text = program.run(code=2)
    assert words in text and "covariance.h5" in text and "mixtures.mine.file" in text


def test_a_covariance_file_is_used_from_any_directory(program):
    with h5py.File(program.directory / "covariance.h5", "w") as f:
        f["covariance"] = numpy.diag([3, 1, 1, 0.5, 0])
    program.run()
    from_list = program.payload()["theory_error"]
    set_key(program, 'spectrum = "list"\neigenvalues = [3, 1, 1, 0.5, 0]', 'file = "covariance.h5"')
    elsewhere = program.directory / "elsewhere"
    elsewhere.mkdir()
    program.run("--overwrite")
    values, expected = (numpy.frombuffer(data) for data in (program.payload()["theory_error"], from_list))
    # Independent rotations are drawn for the mixture's name, so both are the same covariance up to the eigenvectors' order.
    assert values.shape == expected.shape and numpy.isfinite(values).sum() == numpy.isfinite(expected).sum()
    subprocess.run(program.command("run", "../spec.toml", "--output", "../out.h5"), cwd=elsewhere, check=True,
                   env=program.environment(), capture_output=True)


def test_a_covariance_file_that_changes_is_refused(program):
    with h5py.File(program.directory / "covariance.h5", "w") as f:
        f["covariance"] = numpy.eye(5)
    set_key(program, 'spectrum = "list"\neigenvalues = [3, 1, 1, 0.5, 0]', 'file = "covariance.h5"')
    program.run()
    with h5py.File(program.directory / "covariance.h5", "r+") as f:
        f["covariance"][0, 0] = 2
    assert "mixtures.mine.sha256: in the file" in program.run(code=65)


def test_a_link_to_a_results_file_has_its_lock(program):
    program.run()
    (program.directory / "link.h5").symlink_to(program.out)
    (program.directory / "out.h5.lock").write_text("host: far\njob: 7\npid: 1\nmachine: elsewhere\n")
    text = program("run", program.spec, "--output", "link.h5", ranks=2, code=74)
    assert "another run is writing it (pid 1 on far (job 7)" in text


def test_names_that_no_file_can_have(program):
    for command in (["run", program.spec, "--output", "x" * 300], ["status", "x" * 300]):
        assert "File name too long" in program(*command, code=74)


def test_an_output_directory_that_does_not_exist(program):
    text = program("run", program.spec, "--output", "nowhere/out.h5", ranks=2, code=74)
    assert "nowhere does not exist; create it" in text
    assert "is a directory" in program("run", program.spec, "--output", program.directory, ranks=2, code=74)


@pytest.fixture
def outsider(monkeypatch):
    """The program, and arguments that make it run as somebody whom file modes hold back. In a directory that everybody may enter,
    whatever the umask is: pytest takes its own away from others whenever another session begins."""
    with tempfile.TemporaryDirectory() as directory:
        directory = pathlib.Path(directory)
        directory.chmod(0o755)
        program = Program(directory)
        program.spec.chmod(0o644)
        if os.getuid() != 0:
            yield program, {}
            return
        copied = shutil.copy(os.environ["COTSCALE"], directory / "cotscale")
        pathlib.Path(copied).chmod(0o755)
        monkeypatch.setattr("conftest.COTSCALE", copied)
        yield program, {"user": 65534, "group": 65534, "extra_groups": []}


def test_a_read_only_output_directory(outsider):
    program, somebody = outsider
    locked = program.directory / "locked"
    locked.mkdir()
    locked.chmod(0o555)
    text = program("run", program.spec, "--output", locked / "out.h5", code=74, **somebody)
    assert "Permission denied" in text and "is the directory writable?" in text


def test_a_read_only_output_file(outsider):
    program, somebody = outsider
    mine = program.directory / "mine"
    mine.mkdir()
    mine.chmod(0o777)
    program("run", program.spec, "--output", mine / "out.h5")
    (mine / "out.h5").chmod(0o444)
    text = program("run", program.spec, "--output", mine / "out.h5", code=74, **somebody)
    assert "out.h5: you may not write it (Permission denied)" in text


def unsealed(path, title, version):
    with h5py.File(path, "w") as f:
        f.attrs["title"], f.attrs["schema_version"] = numpy.bytes_(title), version


@pytest.mark.parametrize("spoil, code, words", [
    (lambda p: p.write_text("not HDF5"), 74, "not HDF5"),
    (lambda p: os.truncate(p, p.stat().st_size // 2), 74, "truncated"),
    (lambda p: h5py.File(p, "w").close(), 65, "not a results file of cotscale"),
    (lambda p: unsealed(p, "cotscale: of the future", 99), 65, "schema version 99"),
    (lambda p: unsealed(p, "somebody's", 3), 65, "not a results file of cotscale"),
    (lambda p: h5py.File(p, "r+").attrs.modify("schema_version", 99), 74, "damaged"),
])
def test_an_output_file_that_cannot_be_resumed(program, spoil, code, words):
    program.run()
    spoil(program.out)
    before = program.out.read_bytes()
    for command in ("run", "status", "verify"):
        text = program.run(code=code) if command == "run" else program(command, program.out, code=code)
        assert words in text and str(program.out) in text
    assert program.out.read_bytes() == before, "nothing of it was touched"
    assert not os.path.exists(f"{program.out}.lock")


def test_overwrite_replaces_nothing_but_results(program):
    program.out.write_text("my thesis")
    assert "--overwrite replaces no others" in program.run("--overwrite", code=65)
    assert program.out.read_text() == "my thesis"


def test_a_file_of_another_specification(program):
    program.run()
    text = program.run("--set", "sweep.seed=7", "--set", "test.m=[2]", code=65)
    assert "sweep.seed: in the file 0, now 7" in text and "test.m: in the file [ 2, 20 ], now [ 2 ]" in text
    assert "--overwrite" in text


def test_missing_files_for_status_and_verify(program):
    for command in ("status", "verify"):
        assert "nowhere.h5: no such file" in program(command, "nowhere.h5", code=74)


def test_no_room_for_the_file(program):
    big = ("--set", "test.m=" + str(list(range(1, 101))), "--set", "test.k=100")
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000_000, 20_000_000))
    text = program.run(*big, code=74, preexec_fn=limit)
    assert "no room for the results" in text and "choose another --output" in text
    assert sorted(os.listdir(program.directory)) == ["spec.toml"], "nothing is left behind"


@pytest.mark.skipif(os.getuid() != 0 or not shutil.which("mount"), reason="mounting a tiny file system needs root")
def test_a_full_file_system(program):
    tiny = program.directory / "tiny"
    tiny.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", tiny], capture_output=True).returncode != 0:
        pytest.skip("this container may not mount")
    try:
        text = program("run", program.spec, "--output", tiny / "out.h5", ranks=2, code=74)
        assert "no room for the results" in text and "No space left on device" in text
        assert os.listdir(tiny) == []
    finally:
        subprocess.run(["umount", tiny], check=True)


def test_more_ranks_than_cells_is_a_warning(program):
    set_key(program, "repeats = 2", "repeats = 1")
    text = program.run("--set", "sweep.models=['closed']", "--set", "sweep.mixtures=['matched']", "--set", "sweep.n=3",
                       "--set", "sweep.hardness=6.0", ranks=3)
    assert "warning: 3 ranks for 1 cells: 2 of them have nothing to do" in text


def test_more_threads_than_cores_is_a_warning(program):
    assert "more OpenMP threads than cores" in program.run(ranks=2, threads=os.cpu_count())
    assert "OpenMP threads" not in program.run(ranks=1)
