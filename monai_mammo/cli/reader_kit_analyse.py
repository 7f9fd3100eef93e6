"""`monai-mammo reader-kit analyse`: what the answers of a reader study say."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from monai_mammo.cli.options import add_output_options, help_of, say_json

__all__ = ["add_parser", "run"]


def add_parser(commands: Any) -> None:
    """Add the command to an argparse collection of commands.

    Parameters
    ----------
    commands : object
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        "reader-kit analyse",
        help=help_of("reader-kit analyse"),
        description="Area under the curve of each reader and of their mean, with an interval for other readers and "
        "other cases; share of right choices; agreement beyond chance.",
    )
    parser.add_argument("kit", metavar="KIT", help="folder that `monai-mammo reader-kit` wrote, with key.json")
    parser.add_argument("answers", metavar="ANSWERS.csv", nargs="+", help="file of each reader")
    parser.add_argument("--out", metavar="FIGURES.json", help="file to write")
    add_output_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Read the answers, print their table.

    Parameters
    ----------
    arguments : Namespace

    Returns
    -------
    int
        0.
    """
    from monai_mammo.evaluation.reader_study import reader_kit_analyse, reader_table

    figures = reader_kit_analyse(arguments.kit, arguments.answers, out=arguments.out)
    if arguments.json:
        say_json(figures)
    elif not arguments.quiet:
        sys.stdout.write(reader_table(figures))
    return 0
