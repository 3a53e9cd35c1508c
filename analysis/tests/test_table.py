import re

import numpy as np

import schema
from cotscale_analysis import format_table, open_results


def cells(line):
    return re.split(r"\s{2,}", line.strip())


def rows(text):
    """The table's rows as dictionaries by column."""
    lines = text.splitlines()[2:]
    return [dict(zip(cells(lines[0]), cells(line))) for line in lines[1:] if not line.startswith("…")]


def test_a_row_per_cell_and_m_says_what_was_measured(results):
    fig2b = results("fig2b")
    text = format_table(fig2b, None)
    assert text.startswith("cotscale: fig2b: 10 of 10 cells done, 0 failed, 0 pending\n")
    assert len(rows(text)) == 2 * 5 * 2
    row = next(r for r in rows(text) if (r["mixture"], r["n"], r["m"]) == ("skewed", "20", "40"))
    place = dict(mixture="skewed", n=20, m=40)
    error = fig2b["error_mean"].sel(place).squeeze().values
    theory = fig2b["theory_error"].sel(place).squeeze().values
    z = fig2b["exact_z"].sel(place).squeeze().values
    expected = {f"k={k}": f"{error[k]:.3g}" for k in (0, 1, 20, 40)}
    expected |= {"model": "lsa", "hardness": "10", "done/failed/pending": "1/0/0"}
    expected |= {"best k": str(error.argmin()), "best": f"{error.min():.3g}", "predicted": str(error.argmin())}
    expected |= {"GD k=40": f"{10 * 0.8**40:.3g}"}
    expected |= {"theory k=1": f"{theory[1]:.3g}", "z": f"{z[1]:.3g}"}
    assert expected.items() <= row.items()


def test_columns_are_aligned(results):
    header, *lines = format_table(results("fig1")).splitlines()[2:]
    ends = [[match.end() for match in re.finditer(r"\S+", line)][2:] for line in lines]
    assert all(end == ends[0] for end in ends)
    assert {header.index(name) + len(name) for name in (" n", "k=0", "k=20", "best k")} <= set(ends[0])


def test_pending_failed_and_unconverged_cells_are_counted(tmp_path):
    def edit(file):
        file["status"][0, 0, 0, 0, 1] = 2
        file["converged"][0, 0, 0, 0, 0] = 0

    path = schema.write(tmp_path / "a.h5", "cotscale: a", repeats=3, done=lambda index: index[3] == 0, edit=edit)
    text = format_table(open_results(path))
    assert text.startswith("cotscale: a: 2 of 6 cells done, 1 failed, 3 pending, 1 not converged\n")
    half, none = rows(text)
    assert half["done/failed/pending"] == "2/1/0" and half["k=1"] != "-"
    assert none["done/failed/pending"] == "0/0/3"
    columns = ("k=0", "k=6", "best k", "predicted", "best", "GD k=6", "theory k=1", "z")
    assert {none[column] for column in columns} == {"-"}


def test_training_that_diverged_is_counted(tmp_path):
    def edit(file):
        file["converged"][0, 0, 0, :, 0] = 0
        file["training_diverged"][0, 0, 0, 1, 0] = 1

    text = format_table(open_results(schema.write(tmp_path / "a.h5", "cotscale: a", edit=edit)))
    assert text.startswith("cotscale: a: 2 of 2 cells done, 0 failed, 0 pending, 2 not converged, 1 of them diverged\n")


def test_divergence_is_shown_as_infinite(results, diverging):
    row = rows(format_table(diverging(results("fig2a"), k=4)))[0]
    assert row["k=15"] == row["k=30"] == "inf"
    assert row["best k"] == "3"


def test_a_single_estimate_has_no_first_step(tmp_path):
    path = schema.write(tmp_path / "a.h5", "cotscale: a", steps=0, n=(20,))
    (row,) = rows(format_table(open_results(path)))
    assert row["best k"] == "0" and row["theory k=1"] == row["z"] == "-"
    assert [column for column in row if column.startswith("k=")] == ["k=0"]


def test_long_tables_are_cut_and_say_so(tmp_path):
    path = schema.write(tmp_path / "a.h5", "cotscale: a", n=range(1, 1001), m=(10, 20), done=lambda index: False)
    results = open_results(path)
    text = format_table(results)
    assert len(rows(text)) == 40
    assert text.endswith("… 1960 more rows of 2000; --all shows them")
    every = rows(format_table(results, None))
    assert [(row["n"], row["m"]) for row in every[-2:]] == [("1000", "10"), ("1000", "20")]
    assert len(every) == 2000


def test_infinite_hardness_is_a_label_too(tmp_path):
    def edit(file):
        file["hardness"][0] = np.inf

    path = schema.write(tmp_path / "a.h5", "cotscale: a", done=lambda index: False, edit=edit)
    assert {row["hardness"] for row in rows(format_table(open_results(path)))} == {"inf"}


def test_best_k_that_differ_beyond_their_intervals_are_pointed_out(tmp_path):
    def edit(file):
        for name, values in (("best_k", [6, 6]), ("best_k_first", [5, 4]), ("best_k_last", [6, 6])):
            file[name][0, 0, 0, :, 0, 0] = values
        for name, values in (("best_k", [2, 2]), ("best_k_first", [2, 1]), ("best_k_last", [3, 4])):
            file[f"predicted_{name}"][0, 0, 0, :, 0, 0] = values

    def lines(change=lambda file: None):
        path = schema.write(tmp_path / "a.h5", "cotscale: a", edit=lambda file: (edit(file), change(file)))
        return format_table(open_results(path)).splitlines()[5:]

    head, place = lines()
    assert head == "measured and predicted best k differ by more than either is uncertain in 1 of 2:"
    assert place.endswith("hardness 10, n 10, repeat 0, m 100: measured 6 (5 to 6), predicted 2 (2 to 3)")

    def rare(file):  # 5 of the 100 prompts are expected to diverge: too few to show what they do to the mean
        file["predicted_diverging_share"][...] = 0.05
        file["config_toml"][()] = file["config_toml"].asstr()[()] + f"[test]\nprompts = {schema.PROMPTS}\n"

    assert lines(rare) == []

    def smaller(file):
        rare(file)
        for name in ("best_k", "best_k_first", "best_k_last"):
            file[name][0, 0, 0, 0, 0, 0] = 0

    assert len(lines(smaller)) == 2, "few prompts do not make a best k too small"


def test_nothing_is_said_where_best_k_agree(results):
    assert "differ" not in format_table(results("fig2b"))
