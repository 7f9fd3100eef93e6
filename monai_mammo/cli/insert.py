"""`monai-mammo insert`: a lesion drawn into acquired mammograms."""

from __future__ import annotations

import argparse
from typing import Any

from monai_mammo.cli.edit_options import (
    LESION_WORDS,
    add_edit_options,
    add_lesion_options,
    add_method_options,
    run_edit,
)
from monai_mammo.cli.options import help_of

__all__ = ["add_parser", "run"]


def add_parser(commands: Any) -> None:
    """Add the command to an argparse collection of commands.

    Parameters
    ----------
    commands : object
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        "insert",
        help=help_of("insert"),
        description="A lesion drawn into acquired mammograms. Pixels away from it stay exactly as the file stores "
        "them; a DICOM file gives a derived DICOM object with masks, a picture gives a PNG.",
    )
    add_lesion_options(parser)
    how_seen = parser.add_argument_group("how many, and how well they are seen")
    how_seen.add_argument("--n-lesions", metavar="N", help="lesions in each picture, 1 to 8 (default 1)")
    how_seen.add_argument(
        "--conspicuity",
        metavar="C",
        help="0 the faintest of real lesions of that sort, 0.5 their median, 1 the clearest",
    )
    add_method_options(parser)
    add_edit_options(parser)
    parser.set_defaults(run=run, uses_networks=True)


def run(arguments: argparse.Namespace) -> int:
    """Draw the lesions, say what came out.

    Parameters
    ----------
    arguments : Namespace

    Returns
    -------
    int
    """
    from monai_mammo.editing import insert

    words = {name: getattr(arguments, name) for name in LESION_WORDS}
    words |= {name: getattr(arguments, name) for name in ("in_muscle", "n_lesions", "conspicuity")}
    return run_edit(arguments, insert, **words)
