"""What the commands that edit acquired mammograms share: options, and what they say at the end."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from monai_mammo.cli.options import add_output_options, counted, environment, say, say_json
from monai_mammo.cli.progress_line import ProgressLine
from monai_mammo.errors import RequestError
from monai_mammo.terms import (
    BIRADS_CATEGORIES,
    AcquisitionKind,
    Density,
    Depth,
    Finding,
    Laterality,
    Margin,
    Pathology,
    Quadrant,
    Shape,
    View,
)

if TYPE_CHECKING:
    from monai_mammo.generation import Run

__all__ = ["LESION_WORDS", "SETTINGS", "add_edit_options", "add_lesion_options", "add_method_options", "run_edit"]

SETTINGS = (
    *("kind", "view", "laterality", "density"),
    *("count", "seed", "method", "strength", "steps", "guidance", "bundle", "autoencoder", "lesion_network"),
)
"""Options that every edit has beside what it paints."""

LESION_WORDS = {
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
"""Options that say what lesion is to be seen, and where."""

_KNOWN = {"kind": AcquisitionKind, "view": View, "laterality": Laterality, "density": Density}
_HOW = {
    "count": ("N", "edited versions of each file (default 1)"),
    "seed": ("N", "decides all that is drawn by chance (default 0)"),
    "steps": ("N", "network evaluations, 1 to 64 (default {steps})"),
    "guidance": ("W", "weight of guidance, 0 to 20 (default {guidance:g})"),
    "bundle": ("BUNDLE", "name or path of the bundle with the painter"),
    "autoencoder": ("BUNDLE", "name or path of the autoencoder's bundle"),
    "lesion_network": ("BUNDLE", "name or path of the bundle of the network that looks for lesions"),
}


def add_lesion_options(parser: argparse.ArgumentParser) -> None:
    """Add what lesion is to be seen, and where.

    Parameters
    ----------
    parser : ArgumentParser
    """
    shown = parser.add_argument_group("what is to be seen, and where")
    for name, text in LESION_WORDS.items():
        shown.add_argument(f"--{name.replace('_', '-')}", metavar=name.upper(), help=text)
    shown.add_argument("--in-muscle", action="store_true", help="allow a place over the pectoral muscle")


def add_method_options(parser: argparse.ArgumentParser) -> None:
    """Add by which method a region is changed.

    Parameters
    ----------
    parser : ArgumentParser
    """
    methods = parser.add_argument_group("by which method")
    methods.add_argument(
        "--method", metavar="METHOD", help="painter (default); to compare it with: sdedit, inversion, gan"
    )
    methods.add_argument(
        "--strength", metavar="T", help="how far sdedit and inversion go from the original, 0.05 to 1 (default 0.8)"
    )


def add_edit_options(
    parser: argparse.ArgumentParser, *, several: bool = True, steps: int = 16, guidance: float = 1.5
) -> None:
    """Add the images, what is known of them, and how they are edited.

    Parameters
    ----------
    parser : ArgumentParser
    several : bool
        Whether more than one image, and more than one version of each, may be asked for.
    steps, guidance
        What the function takes where they are left out.
    """
    if several:
        parser.add_argument("images", metavar="IMAGE", nargs="+", help="DICOM files, pictures, and folders of them")
    else:
        parser.add_argument("image", metavar="IMAGE", help="a DICOM file or a picture")
    known = parser.add_argument_group("what the files show, where they do not state it")
    for name, vocabulary in _KNOWN.items():
        known.add_argument(f"--{name}", metavar=name.upper(), help=", ".join(str(member) for member in vocabulary))
    how = parser.add_argument_group("how")
    for name, (metavar, text) in _HOW.items():
        if name == "count" and not several:
            continue
        how.add_argument(
            f"--{name.replace('_', '-')}",
            metavar=metavar,
            default=environment(name),
            help=text.format(steps=steps, guidance=guidance),
        )
    how.add_argument("--device", metavar="DEVICE", default=environment("device", "auto"), help="auto, cpu or cuda")
    how.add_argument("--out", metavar="DIR", default=environment("out"), help="folder of the run")
    add_output_options(parser)


def run_edit(
    arguments: argparse.Namespace,
    function: Callable[..., Run],
    *,
    lines: Callable[[Run], Sequence[str]] | None = None,
    **words: Any,
) -> int:
    """Edit the images and say what came out.

    Parameters
    ----------
    arguments : Namespace
    function : callable
        Such as `monai_mammo.insert`.
    lines : callable or None
        ``lines(run)`` gives what is said before the last line.
    **words
        What is particular to it.

    Returns
    -------
    int
    """
    if not arguments.out:
        raise RequestError(f"{function.__name__} needs the folder of the run: --out DIR")
    given = {name: getattr(arguments, name, None) for name in SETTINGS} | words
    images = arguments.images if "images" in arguments else arguments.image
    with ProgressLine("images", quiet=arguments.quiet) as line:
        made = function(
            images,
            out=arguments.out,
            device=arguments.device,
            progress=line.update,
            **{name: value for name, value in given.items() if value is not None},
        )
    if arguments.json:
        say_json({"folder": str(made.folder), "n_made": made.n_made, **made.manifest, "samples": list(made.samples)})
    for warning in made.warnings:
        if not arguments.quiet:
            print(f"warning: {warning}", file=sys.stderr)
    for line_of_table in () if lines is None else lines(made):
        say(arguments, line_of_table)
    changed = f"{made.n_made} made now" if made.n_made else "nothing was left to do"
    say(arguments, f"{counted(len(made), 'edited mammogram')} in {made.folder} ({changed})")
    return 0
