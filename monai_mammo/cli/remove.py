"""`monai-mammo remove`: a region of acquired mammograms filled with healthy tissue."""

from __future__ import annotations

import argparse
from typing import Any

from monai_mammo.cli.edit_options import add_edit_options, add_method_options, run_edit
from monai_mammo.cli.options import help_of

__all__ = ["add_parser", "run"]


def add_parser(commands: Any) -> None:
    """Add the command to an argparse collection of commands.

    Parameters
    ----------
    commands : object
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        "remove",
        help=help_of("remove"),
        description="A region of acquired mammograms filled with healthy tissue: the one that is named, else the "
        "lesion that the file tells of. Pixels away from it stay exactly as the file stores them.",
    )
    where = parser.add_argument_group("where")
    where.add_argument("--box", metavar="BOX", help="x0,y0,x1,y1 in fractions of the file's picture")
    where.add_argument("--mask", metavar="FILE", help="picture of the file's size whose white pixels are the region")
    where.add_argument("--segment", action="store_true", help="let the lesion network find the region")
    where.add_argument(
        "--max-tries",
        metavar="N",
        help="ways to fill it, 1 to 16, of which the one that shows least is kept (default 8; 1 by other methods)",
    )
    add_method_options(parser)
    add_edit_options(parser)
    parser.set_defaults(run=run, uses_networks=True)


def run(arguments: argparse.Namespace) -> int:
    """Fill the regions, say what came out.

    Parameters
    ----------
    arguments : Namespace

    Returns
    -------
    int
    """
    from monai_mammo.editing import remove

    return run_edit(
        arguments,
        remove,
        box=arguments.box,
        mask=arguments.mask,
        segment=arguments.segment,
        max_tries=arguments.max_tries,
    )
