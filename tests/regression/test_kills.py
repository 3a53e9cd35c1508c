"""A sweep that is killed again and again ends with the bits of one that was not."""

import random
import time

from conftest import LONG, kill_ranks
from interrupting import SLOW


def test_killed_again_and_again_it_ends_with_the_same_bits(program, uninterrupted):
    rng = random.Random(1)
    kills = 40 if LONG else 5
    for _ in range(kills):
        process = program.start(*SLOW)
        time.sleep(rng.uniform(0.3, 1.2))
        kill_ranks(process)
        if program.out.exists():
            assert program("verify", program.out).count("damaged") == 0
    program.run(*SLOW)
    assert program.payload() == uninterrupted
