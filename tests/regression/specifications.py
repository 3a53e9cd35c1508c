"""Specifications of tests: a small sweep, and what a test wants otherwise."""


def toml_value(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(toml_value, value))}]"
    return repr(value)


def is_list_of_tables(value):
    return isinstance(value, (list, tuple)) and len(value) > 0 and isinstance(value[0], dict)


def toml_text(tables):
    """{"sweep": {"n": [3]}, "models.lsa": {...}} as TOML; keys that are None are left out, lists of tables stand below."""
    text = []
    for name, keys in tables.items():
        text += [f"[{name}]"] + [f"{key} = {toml_value(value)}" for key, value in keys.items()
                                 if value is not None and not is_list_of_tables(value)] + [""]
        for key, list_of_tables in keys.items():
            for table in list_of_tables if is_list_of_tables(list_of_tables) else ():
                text += [f"[[{name}.{key}]]", *(f"{one} = {toml_value(value)}" for one, value in table.items()), ""]
    return "\n".join(text)


def specification(models=None, mixtures=None, **tables):
    """A sweep of one cell unless the tables say otherwise: LSA on the matched mixture, d = 4, hardness 6, n = 10.

    `models` and `mixtures` hold the keys of their tables by name, architecture "lsa" where none is given; a sweep trains all of them
    unless sweep.models or sweep.mixtures says which. Other arguments are tables whose keys are changed or added; None leaves one out.
    """
    models = {"lsa": {}} if models is None else models
    mixtures = {} if mixtures is None else mixtures
    base = {
        "sweep": {"name": "test", "models": list(models), "mixtures": list(mixtures) or ["matched"], "hardness": [6.0], "n": [10]},
        "task": {"d": 4},
        "test": {"k": 3, "m": [20], "prompts": 100},
    }
    for name, keys in tables.items():
        base[name] = {**base.get(name, {}), **keys}
    if base.get("target", {}).get("spectrum") or base.get("target", {}).get("file"):
        base["sweep"]["hardness"] = None
    base |= {f"models.{name}": {"architecture": "lsa", **keys} for name, keys in models.items()}
    base |= {f"mixtures.{name}": keys for name, keys in mixtures.items()}
    return toml_text(base)
