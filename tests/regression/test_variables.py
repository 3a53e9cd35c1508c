"""The tables of docs/results-layout.md are those of the program, and so are the files."""

import pathlib

import h5py
import numpy
from conftest import LEARNING_SPEC

LAYOUT = pathlib.Path(__file__).parents[2] / "docs/results-layout.md"
BEGIN, END = "<!-- cotscale variables: begin -->\n", "<!-- cotscale variables: end -->\n"


def test_the_documented_tables_are_those_that_the_program_prints(program):
    documented = LAYOUT.read_text().split(BEGIN)[1].split(END)[0]
    assert documented.strip() == program("variables").strip(), "put what `cotscale variables` prints between the two marks"


def test_a_file_has_the_variables_that_are_printed(program):
    program.spec.write_text(LEARNING_SPEC)
    program.run()
    rows = [line.split(" | ") for line in program("variables").splitlines() if line.startswith("| `")]
    assert len(rows) > 50
    with h5py.File(program.out) as f:
        for name, kind, *_ in rows:
            path = name.removeprefix("| `").rstrip("`")
            assert f[path].dtype == kind, path


def test_every_number_has_units_and_everything_a_long_name(program):
    program.spec.write_text(LEARNING_SPEC)
    program.run()
    units = {}

    def look(name, node):
        if isinstance(node, h5py.Dataset):
            assert node.attrs["long_name"], name
            if node.dtype != object:
                units[name] = str(numpy.asarray(node.attrs["units"]).astype(str))

    with h5py.File(program.out) as f:
        f.visititems(look)
    others = {"start_time", "wall_seconds", "training_seconds", "tokens_per_second"}
    assert others < set(units) and all((unit == "1") == (name not in others) for name, unit in units.items())
