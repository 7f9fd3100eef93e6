"""`monai-mammo evolve`: one breast at several visits, with a lesion that grows by a law."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from monai_mammo.cli.edit_options import LESION_WORDS, add_edit_options, add_lesion_options, run_edit
from monai_mammo.cli.options import help_of

if TYPE_CHECKING:
    from monai_mammo.generation import Run

__all__ = ["add_parser", "run"]

_COURSE = {
    "visits": ("N", "2 to 50, at even distances (default 5)"),
    "months": ("M", "from the first visit to the last (default 12)"),
    "growth": ("LAW", "exponential, gompertz, none (default exponential)"),
    "doubling_days": ("DAYS", "in which the volume doubles at the first visit (default 180)"),
    "plateau": ("TIMES", "first volume that gompertz comes to (default 20)"),
    "halving_days": ("DAYS", "in which the volume halves under treatment (default 90)"),
    "first_date": ("DATE", "YYYY-MM-DD of the first visit (default that of the file)"),
}


def add_parser(commands: Any) -> None:
    """Add the command to an argparse collection of commands.

    Parameters
    ----------
    commands : object
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        "evolve",
        help=help_of("evolve"),
        description="One mammogram at several visits: a lesion whose volume follows a law, of the same noise, "
        "a study a visit, and a table of measured beside lawful sizes.",
    )
    course = parser.add_argument_group("the course")
    for name, (metavar, text) in _COURSE.items():
        course.add_argument(f"--{name.replace('_', '-')}", metavar=metavar, help=text)
    course.add_argument(
        "--response",
        metavar="VISIT",
        nargs="?",
        const="1",
        help="a treatment begins at this visit (the first, where none is named), and the lesion shrinks",
    )
    for name in ("compression", "exposure"):
        course.add_argument(f"--no-{name}", dest=name, action="store_false", help=f"the same {name} at every visit")
    add_lesion_options(parser)
    add_edit_options(parser, several=False)
    parser.set_defaults(run=run, uses_networks=True)


def run(arguments: argparse.Namespace) -> int:
    """Show the visits, print the table.

    Parameters
    ----------
    arguments : Namespace

    Returns
    -------
    int
    """
    from monai_mammo.editing import evolve

    words = {name: getattr(arguments, name) for name in (*_COURSE, "response", *LESION_WORDS)}
    words |= {name: getattr(arguments, name) for name in ("compression", "exposure", "in_muscle")}
    return run_edit(arguments, evolve, lines=_table, **words)


def _table(made: Run) -> list[str]:
    from monai_mammo.editing.evolution_table import evolution_rows, printed_rows

    return printed_rows(evolution_rows(made.samples))
