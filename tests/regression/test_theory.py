"""`cotscale theory` says where to stop, or that it does not know."""

import csv
import io
import re

import h5py
import numpy
import pytest

from specifications import specification

# A correlation matrix of ten medical measurements. Measured over 20,000 prompts: best k 6, an error of 6e4 at k = 20.
TEN = specification(
    task={"d": 10}, test={"k": 20, "m": 50, "prompts": 20000}, sweep={"n": [200]},
    target={"spectrum": "list", "eigenvalues": [4.02, 1.49, 1.21, 0.96, 0.66, 0.60, 0.54, 0.43, 0.078, 0.0086]})


def rows(program, *arguments):
    return list(csv.DictReader(io.StringIO(program.stdout("theory", program.spec, "--csv", *arguments))))


@pytest.mark.parametrize("seed", range(6))
def test_ten_measurements_stop_after_six_steps_at_every_seed(program, seed):
    program.spec.write_text(TEN)
    text = program.stdout("theory", program.spec, "--set", f"sweep.seed={seed}")
    last = text.strip().splitlines()[-1]
    assert last.startswith(("Stop after 6 steps", "Stop after 5 to 6 steps", "Stop after 6 to 7 steps"))
    assert re.search(r"1 draw in (29|3\d) diverges", last) and "diverges" in last and "±" in last
    few = rows(program, "--set", f"sweep.seed={seed}", "--set", "theory.most_draws=100")[0]
    assert int(few["best_k_first"]) <= 6 <= int(few["best_k_last"]) and int(few["draws"]) == 100


def test_what_is_not_settled_is_a_range_and_says_what_would_help(program):
    program.spec.write_text(TEN)
    text = program.stdout("theory", program.spec, "--set", "theory.most_draws=1600")
    last = text.strip().splitlines()[-1]
    assert "1600 draws do not tell" in last and "theory.most_draws" in last
    one, = [row for row in rows(program, "--set", "theory.most_draws=1600") if row["k"] == "6"]
    assert int(one["best_k_first"]) < int(one["best_k_last"])
    assert float(one["predicted_stderr"]) > 0 and float(one["difference_stderr"]) >= 0


def test_a_best_k_at_the_end_is_at_least_that(program):
    program.spec.write_text(TEN.replace("m = 50", "m = 5000"))
    text = program.stdout("theory", program.spec)
    assert "≥ 20" in text and "Longer chains still help at k = 20" in text and "raise test.k" in text
    program.spec.write_text(TEN.replace("k = 20", "k = 0"))
    assert "test.k is 0" in program.stdout("theory", program.spec)


def test_many_rows_end_with_a_summary(program):
    text = program.stdout("theory", program.spec)
    assert len([line for line in text.splitlines() if line.startswith(("matched", "skewed", "mine"))]) == 24
    assert 'Stop after the steps in the column "best k": it is settled in' in text.splitlines()[-1]


def test_time_may_end_the_draws_and_is_named(program):
    program.spec.write_text(TEN)
    text = program("theory", program.spec, "--max-time", "0s")
    assert "--max-time was over" in text and "when the time was up" in text
    assert re.search("100 draws (do not tell k = |are too few to show how often chains diverge)", text), "100 draws settle nothing"


def test_a_mixture_that_cannot_be_made_is_named_before_anything_is_printed(program):
    program.spec.write_text(TEN.replace("0.078, 0.0086]", "0.078, 0.0]").replace('["matched"]', '["matched", "isotropic", "selected"]')
                            + "[tasks]\nexponents = [0.5]\ndirections = [10]\neach = 3\n")
    text = program("theory", program.spec, code=2)
    assert "mixture selected" in text and "radius" not in text


def test_the_run_stores_how_sure_both_best_k_are(program):
    program.spec.write_text(TEN.replace("prompts = 20000", "prompts = 3000"))
    text = program.run(ranks=1)
    assert "best k: in 0 of 1 cells the measured and the predicted one differ" in text
    with h5py.File(program.out) as f:
        values = {name: f[name][()].ravel() for name in f if name.startswith(("best_k", "predicted_", "difference_", "error_"))}
    for prefix in ("", "predicted_"):
        first, best, last = (values[f"{prefix}best_k{end}"][0] for end in ("_first", "", "_last"))
        assert first <= best <= last and first <= 6 <= last
        assert values[f"{prefix}difference_stderr"][best] == 0
        assert (numpy.delete(values[f"{prefix}difference_stderr"], best) > 0).all()
    assert 100 <= values["predicted_draws"][0] <= 3000


def test_a_run_points_out_best_k_that_differ(program):
    """A model that was hardly trained takes short steps: longer chains help it, where theory expects them to hurt."""
    program.spec.write_text(TEN.replace("prompts = 20000", "prompts = 8000").replace(
        'architecture = "lsa"', 'architecture = "lsa"\nmax_steps = 1\nstep_size = 0.01'))
    text = program.run(ranks=1, code=0)
    assert "best k: in 1 of 1 cells the measured and the predicted one differ by more than either is uncertain" in text
    assert "measured 20, predicted" in text
