"""Why cells failed, and how many found no room to say so."""

import h5py
import numpy
import xarray
from specifications import specification

from cotscale_analysis import failures, failures_without_message


def test_failures_without_an_entry_are_counted(program):
    # The programme of `selected` overflows, which shows when its cells are computed.
    program.spec.write_text(specification(
        models={"lsa": {"training": "closed_form"}}, sweep={"mixtures": ["matched", "selected"], "n": [10, 20]},
        target={"spectrum": "list", "eigenvalues": [2e-143, 1e-143, 1e-143, 1e-157]},
        tasks={"exponents": [0.5], "directions": [4], "each": 2}))
    said = program.run(code=1, ranks=0)
    assert said.count("cotscale: failed: ") == 1 and "n 10, repeat 0 and 1 more: " in said
    [first, second] = failures(program.out)
    assert "the quadratic programme overflows" in first[1] and [labels["n"] for labels, _ in (first, second)] == [10, 20]
    assert failures_without_message(program.out) == 0 and "without a message" not in program("status", program.out)
    with h5py.File(program.out, "r+") as f:
        entry = int(numpy.argmax(f["failures/cell"][()]))
        f["failures/cell"][entry], f["failures/message"][entry], f["failures/checksum"][entry] = -1, 0, 0
    program("verify", program.out)
    assert failures(program.out) == [first] and failures_without_message(program.out) == 1
    assert "1 of them without a message" in program("status", program.out)


def test_a_file_without_the_group_has_no_messages(program):
    program.spec.write_text(specification(models={"lsa": {"training": "closed_form"}}))
    program.run()
    results = xarray.open_dataset(program.out, engine="h5netcdf").load()
    results.to_netcdf(program.directory / "root.h5", engine="h5netcdf")
    assert failures(program.directory / "root.h5") == []
