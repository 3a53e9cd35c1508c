"""Command line: `python3 -m cotscale_analysis table FILE...` and `… figure FILE... --output DIR`."""

import argparse
import signal
import sys
from pathlib import Path

from .figures import FIGURES, draw, save
from .results import IO_ERROR, USAGE, ResultsError, open_file
from .table import MOST_ROWS, format_table


def main(arguments=None):
    """Runs the command; returns its exit code: 0, 2 usage, 65 another schema, 74 input or output."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except ResultsError as error:
        return _fail(error, error.exit_code)
    except OSError as error:
        return _fail(error, IO_ERROR)
    return 0


def _table(options):
    for path in options.files:
        print(path, format_table(open_file(path), None if options.all else MOST_ROWS), sep="\n", end="\n\n")


def _figure(options):
    stems = [path.stem for path in options.files]
    if len(set(stems)) < len(stems):
        raise ResultsError("two files of the same name would write the same figure", USAGE)
    for path in options.files:
        for written in save(draw(open_file(path), options.figure), options.output, path.stem):
            print(written)


def _parser():
    parser = argparse.ArgumentParser(prog="cotscale_analysis", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    table = commands.add_parser("table", help="print errors, theory and status per cell")
    table.add_argument("--all", action="store_true", help=f"every row, not only the first {MOST_ROWS} of a file")
    table.set_defaults(run=_table)
    figure = commands.add_parser("figure", help="write NAME.png and NAME.svg for each file")
    figure.add_argument("--output", type=Path, required=True, metavar="DIR", help="made if need be")
    figure.add_argument("--figure", choices=["auto", *FIGURES], default="auto", help="auto: by the sweep's name")
    figure.set_defaults(run=_figure)
    for command in (table, figure):
        command.add_argument("files", type=Path, nargs="+", metavar="FILE", help="a results file")
    return parser


def _fail(error, exit_code):
    print(f"cotscale_analysis: {error}", file=sys.stderr)
    return exit_code


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(main())
