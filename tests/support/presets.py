"""The presets as a test runs them: the command that each is for, and overrides that leave a moment's work of it."""
import pathlib
import tomllib

PRESETS = sorted((pathlib.Path(__file__).resolve().parents[2] / "jobs/presets").glob("*.toml"))


def command(preset):
    """`run`, or `select` for a choice of tasks without models."""
    return "run" if "models" in tomllib.loads(preset.read_text()) else "select"


def tiny(preset):
    """Arguments --set key=value: every axis keeps its first and last value, chains and trainings are short."""
    tables = tomllib.loads(preset.read_text())
    keys = {}
    if "test" in tables:
        keys |= {"test.prompts": 20, "test.k": 2, "sweep.repeats": 1, "theory.draws": 2}
        for axis in ("sweep.n", "test.m"):
            table, key = axis.split(".")
            values = tables[table][key]
            keys[axis] = sorted({values[0], values[-1]}) if isinstance(values, list) else values
    if "select" in tables:
        keys |= {"tasks.each": 1, "select.samples": 2, "select.m": 50, "select.k": 2}
        keys |= {"select.draws": 2} if "draws" in tables["select"] else {}
    for name, model in tables.get("models", {}).items():
        if model["architecture"] == "gpt2":
            keys |= {f"models.{name}.{key}": value for key, value in shortened(model).items()}
            keys |= {"sweep.n": [6], "test.m": [4, 6]}
        elif "steps" in model:
            keys |= {f"models.{name}.steps": 5, f"models.{name}.batch": 16}
        for i in range(len(model.get("stages", ()))):
            keys |= {f"models.{name}.stages[{i}].steps": 5, f"models.{name}.stages[{i}].batch": 16}
    return [word for key, value in keys.items() for word in ("--set", f"{key}={value}")]


def shortened(model):
    """Of a transformer: a size of its own, a training of five steps, in which a curriculum, if there is one, ends."""
    keys = {"size": "free", "layers": 1, "heads": 2, "width": 8, "steps": 5, "batch": 4, "warm_up": 1, "k_train": 2}
    keys |= {"dimension_start": 2, "dimension_step": 100, "dimension_every": 1} if "dimension_start" in model else {}
    keys |= {"examples_start": 2, "examples_step": 100, "examples_every": 1} if "examples_start" in model else {}
    return keys
