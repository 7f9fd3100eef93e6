"""`monai-mammo translate`: another acquisition of the breast that a file shows."""

from __future__ import annotations

import argparse
from typing import Any

from monai_mammo.cli.edit_options import add_edit_options, run_edit
from monai_mammo.cli.options import help_of
from monai_mammo.errors import RequestError
from monai_mammo.terms import Modality

__all__ = ["add_parser", "run"]


def add_parser(commands: Any) -> None:
    """Add the command to an argparse collection of commands.

    Parameters
    ----------
    commands : object
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        "translate",
        help=help_of("translate"),
        description="Another acquisition of the breast that each file shows: the subtracted contrast view of a "
        "low-energy digital one, or the reverse. It is drawn as such views look and shows no measured uptake. Pixels "
        "outside the breast stay exactly as the file stores them.",
    )
    what = parser.add_argument_group("what is drawn, and where the lesion is")
    what.add_argument("--to", metavar="MODALITY", help=f"{Modality.allowed()}; the translator's training decides")
    what.add_argument("--box", metavar="BOX", help="lesion: x0,y0,x1,y1 in fractions of the file's picture")
    what.add_argument("--mask", metavar="FILE", help="picture of the file's size whose white pixels are the lesion")
    add_edit_options(parser, steps=20, guidance=1)
    parser.set_defaults(run=run, uses_networks=True)


def run(arguments: argparse.Namespace) -> int:
    """Draw the other views, say what came out.

    Parameters
    ----------
    arguments : Namespace

    Returns
    -------
    int
    """
    from monai_mammo.editing import translate

    if arguments.to is None:
        raise RequestError(f"translate needs what is to be drawn: --to {Modality.allowed()}")
    words = {name: getattr(arguments, name) for name in ("to", "box", "mask")}
    return run_edit(arguments, translate, **words)
