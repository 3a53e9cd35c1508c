"""What the tests of refusals have in common: wrong specifications, every command asked, and models that are slow."""

# Long enough for a file to be replaced meanwhile.
SLOW = {"training": "samples", "steps": 3000, "batch": 512}


def set_key(program, old, new):
    text = program.spec.read_text()
    assert old in text
    program.spec.write_text(text.replace(old, new))


def refused_specification(program, old, new, words):
    """Writes `new` in place of `old`; the words are printed, LINE in them being its line, and nothing is written."""
    set_key(program, old, new)
    line = program.spec.read_text().split(new)[0].count("\n") + 1
    words = [word.replace("LINE", str(line)) for word in words]
    for text in (program("plan", program.spec, code=2), program.run(code=2)):
        assert all(word in text for word in words), text
        assert text.count("unknown key") <= 1, "one rank reports"
    assert not program.out.exists()


def of_all_commands(program, code, commands=("plan", "theory", "run", "select")):
    """What each of them prints, by name."""
    arguments = {"run": ("--output", program.out), "select": ("--output", "selection.h5"), "plan": (), "theory": ()}
    return {name: program(name, program.spec, *arguments[name], code=code) for name in commands}


def begins_with(file):
    """A model that learns from samples, and begins with the weights of the model `first` in the file."""
    stored = {"initialisation": "stored", "initial_file": file, "initial_model": "first"}
    return {"training": "samples", "steps": 2, **stored}
