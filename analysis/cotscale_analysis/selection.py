"""Selected tasks: the types of the generated ones, and a plain-text table."""

import re
from dataclasses import dataclass

import numpy as np

from .text import aligned, number

GENERATED = re.compile(r"(?P<alpha>.+)-(?P<directions>\d+)-\d+")
WORDS = (("easy", "hard"), ("short", "long"))
VALUES = ("objective", "objective_stderr", "objective_median", "plain_objective", "plain_objective_stderr")
LARGEST_STATIONARITY = 1e-3
RARE_SHARE = 0.5  # of the mean, from the worst hundredth of the draws
SPECTRA = ("support_hardness", "hardness")


@dataclass(frozen=True, order=True)
class TaskType:
    """Tasks with the eigenvalue j^(−alpha) on the j-th of so many directions."""

    alpha: float
    directions: int


def tasks_by_type(selection):
    """The places of the tasks of each type, {TaskType: (tasks,)}, ascending; None where tasks were not generated.

    The name of a generated task is ALPHA-B-INDEX.
    """
    matches = [GENERATED.fullmatch(name) for name in selection["task"].values]
    try:
        types = [TaskType(float(match["alpha"]), int(match["directions"])) for match in matches]
    except (TypeError, ValueError):
        return None
    return {t: np.flatnonzero([t == other for other in types]) for t in sorted(set(types))}


def names_of_types(types):
    """easy-short … hard-long where there are two values each of α and of B, else ALPHA-B: {TaskType: text}."""
    if not has_words(types):
        return {t: f"{t.alpha:g}-{t.directions}" for t in types}
    alpha, directions = _values(types)
    return {t: f"{WORDS[0][alpha.index(t.alpha)]}-{WORDS[1][directions.index(t.directions)]}" for t in types}


def has_words(types):
    """Whether there are two values each of α and of B."""
    return [len(values) for values in _values(types)] == [2, 2]


def _values(types):
    return [sorted({getattr(t, name) for t in types}) for name in ("alpha", "directions")]


def format_selection(selection, most_rows):
    """The table as text: a row per type of generated tasks, else per task; `most_rows` None shows every task."""
    types = tasks_by_type(selection) if most_rows is not None else None
    header, every = _rows_of_types(selection, types) if types else _rows_of_tasks(selection)
    rows = every[:most_rows]
    draws = selection.sizes["draw"]
    summary = f"{selection.attrs['title']}: {selection.sizes['task']} candidate tasks, {draws} draw{'s'[:draws > 1]}"
    note = "mean probability of a task" + " ± standard deviation over the draws" * (draws > 1)
    lines = [summary, note, *aligned([header, *rows], 1)]
    if len(rows) < len(every):
        lines.append(f"… {len(every) - len(rows)} more rows of {len(every)}; --all shows them")
    return "\n".join([*lines, "", *_objectives(selection)])


def _rows_of_types(selection, types):
    solutions = selection["solution"].values
    header = ["type", "α", "B", "tasks", "support hardness", *solutions, *(f"total {name}" for name in solutions)]
    rows = []
    for t, name in names_of_types(types).items():
        tasks = selection.isel(task=types[t])
        labels = [name, f"{t.alpha:g}", str(t.directions), str(len(types[t]))]
        mean = _spread_over_draws(tasks["probability"].mean("task"))
        total = [number(x) for x in tasks["probability"].sum("task").mean("draw").values]
        rows.append([*labels, number(tasks["support_hardness"].values.mean(), 4), *mean, *total])
    return header, rows


def _rows_of_tasks(selection):
    header = ["task", *(name.replace("_", " ") for name in SPECTRA), *selection["solution"].values]
    rows = []
    for place, name in enumerate(selection["task"].values):
        task = selection.isel(task=place)
        spectra = [number(task[hardness].item(), 4) for hardness in SPECTRA]
        rows.append([name, *spectra, *_spread_over_draws(task["probability"])])
    return header, rows


def _spread_over_draws(probability):
    """Of probability (draw, solution), mean and standard deviation over the draws, as text per solution."""
    means = probability.mean("draw").values
    if probability.sizes["draw"] == 1:
        return [number(mean) for mean in means]
    deviations = probability.std("draw", ddof=1).values
    return [f"{number(mean)} ± {number(deviation, 2)}" for mean, deviation in zip(means, deviations)]


def _objectives(selection):
    """A row per solution, and per plain mixture, of what it is worth in either problem; then how far that can be trusted."""
    problems = [f"{name} objective" for name in selection["problem"].values]
    over_draws = selection[list(VALUES)].median("draw", skipna=False)
    rows = []
    for name in selection["solution"].values:
        of_one = over_draws.sel(solution=name)
        values = of_one["objective"].values
        exact = _with_error(values[1], of_one["objective_stderr"].item())
        rows.append([name, number(values[0]), exact, number(of_one["objective_median"].item())])
    for name in selection["plain"].values:
        of_one = over_draws.sel(plain=name)
        exact = _with_error(of_one["plain_objective"].item(), of_one["plain_objective_stderr"].item())
        rows.append([name, "", exact, ""])
    median = " (median over the draws)" if selection.sizes["draw"] > 1 else ""
    return [*aligned([["mixture" + median, *problems, "median over prompts"], *rows], 1), *_trust(selection)]


def _with_error(value, error):
    return number(value) if error == 0 else f"{number(value)} ± {number(error, 2)}"


def _trust(selection):
    """Sentences about the exact problem's solutions that are not what was asked for; none if all are."""
    draws = selection.sizes["draw"]
    failings = {
        f"ended with a slope above {LARGEST_STATIONARITY:g}": selection["stationarity"] > LARGEST_STATIONARITY,
        "reached select.max_samples before training and fresh draws agreed to 1 %": selection["settled"] == 0,
        "has a mean that rare draws rule: see its median": selection["tail_share"].sel(solution="exact") > RARE_SHARE,
    }
    counts = {words: int(failing.sum()) for words, failing in failings.items()}
    of_all = {words: f" in {count} of {draws} draws" if draws > 1 else "" for words, count in counts.items()}
    return [f"the exact problem {words}{of_all[words]}" for words, count in counts.items() if count]
