"""`monai-mammo insert`: a lesion drawn into acquired mammograms."""

from __future__ import annotations

import argparse
from typing import Any

from monai_mammo.cli.edit_options import add_edit_options, run_edit
from monai_mammo.cli.options import help_of
from monai_mammo.terms import BIRADS_CATEGORIES, Depth, Finding, Margin, Pathology, Quadrant, Shape

__all__ = ["add_parser", "run"]

_WORDS = {
    "finding": ", ".join(str(member) for member in Finding if member is not Finding.NONE) + " (default mass)",
    "shape": ", ".join(str(member) for member in Shape),
    "margin": ", ".join(str(member) for member in Margin),
    "birads": ", ".join(map(str, BIRADS_CATEGORIES)),
    "pathology": ", ".join(str(member) for member in Pathology),
    "size_mm": "longer side of the lesion, where the file states its spacing",
    "size_px": "the same in pixels of the file",
    "at": ", ".join(str(member) for member in (*Quadrant, *Depth)),
    "box": "x0,y0,x1,y1 in fractions of the file's picture",
    "mask": "picture of the file's size whose white pixels are the lesion",
}


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
    shown = parser.add_argument_group("what is to be seen, and where")
    for name, text in _WORDS.items():
        shown.add_argument(f"--{name.replace('_', '-')}", metavar=name.upper(), help=text)
    shown.add_argument("--in-muscle", action="store_true", help="allow a place over the pectoral muscle")
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

    words = {name: getattr(arguments, name) for name in _WORDS}
    return run_edit(arguments, insert, in_muscle=arguments.in_muscle, **words)
