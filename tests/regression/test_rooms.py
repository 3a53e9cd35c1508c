"""Nobody but an architecture's own files and the list asks which architecture a model is."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
ARCHITECTURES = {path.name for path in (ROOT / "src/architecture").iterdir() if path.is_dir()}
NAMES = "|".join(sorted(ARCHITECTURES))
QUESTION = re.compile(rf"architectures::\w|(\b|_)({NAMES})(\b|_)|transformer(?!s? )", re.IGNORECASE)
COMMENT = re.compile(r"//.*|\.(example|otherwise|help) = \".*?[^\\]\"")  # and what a key says to its user

# What belongs to an architecture: its folder, its passes, its samples and roll-outs, the weights it begins with.
OWN = re.compile(rf"src/architecture/({NAMES})/|(src|include/cotscale)/(model|train|eval)/({NAMES})\w*\.[ch]pp|"
                 r"(src|include/cotscale)/model/initialisations?[./]")
# Examples of the command line name models, and softmax is a function of layers.
OTHER_WORDS = ("src/app/command_line.cpp", "src/nn/")
# The one place that knows all of them.
LIST = "src/architecture/architectures.cpp"


def asking(path):
    lines = (COMMENT.sub("", line) for line in path.read_text().splitlines())
    return any(QUESTION.search(line) for line in lines)


def test_nobody_else_asks():
    found = set()
    for folder in ("src", "include"):
        for path in (ROOT / folder).rglob("*.[ch]pp"):
            name = path.relative_to(ROOT).as_posix()
            if not OWN.match(name) and not name.startswith(OTHER_WORDS) and asking(path):
                found.add(name)
    assert found == {LIST}


def test_the_list_has_every_folder():
    assert set(re.findall(r"config::part<sequence_model, class (\w+)>", (ROOT / LIST).read_text())) == ARCHITECTURES
