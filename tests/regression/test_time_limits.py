"""The time limit stops a sweep early, cells that it has no room for are not begun, and the same command goes on."""

from interrupting import SLOW


def test_the_time_limit_stops_it_early_and_resumable(program, uninterrupted):
    program.run(*SLOW, "--max-time", "1s", code=75)
    program.run(*SLOW)
    assert program.payload() == uninterrupted


def test_a_cell_too_long_for_the_time_limit_does_not_hold_up_the_others(program):
    # The definition's cells are estimated at minutes, the recursion's at milliseconds; the first come first.
    long = ("--set", "models.closed.roll_out=definition", "--set", "test.m=[3000]", "--set", "test.k=20")
    text = program.run(*long, "--max-time", "5s", code=75)
    assert "24 cells were not begun: by estimate, --max-time left too little for them" in text
    assert (program.status().reshape(2, -1) == [[1], [0]]).all()
