"""What the commands that edit acquired mammograms share: options, and what they say at the end."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from monai_mammo.cli.options import add_output_options, counted, environment, say, say_json
from monai_mammo.cli.progress_line import ProgressLine
from monai_mammo.errors import RequestError
from monai_mammo.terms import AcquisitionKind, Density, Laterality, View

if TYPE_CHECKING:
    from monai_mammo.generation import Run

__all__ = ["SETTINGS", "add_edit_options", "run_edit"]

SETTINGS = ("kind", "view", "laterality", "density", "count", "seed", "steps", "guidance", "bundle", "autoencoder")
"""Options that every edit has beside what it paints."""

_KNOWN = {"kind": AcquisitionKind, "view": View, "laterality": Laterality, "density": Density}
_HOW = {
    "count": ("N", "edited versions of each file (default 1)"),
    "seed": ("N", "decides all that is drawn by chance (default 0)"),
    "steps": ("N", "network evaluations, 1 to 64 (default 16)"),
    "guidance": ("W", "weight of guidance, 0 to 20 (default 1.5)"),
    "bundle": ("BUNDLE", "name or path of the bundle with the painter"),
    "autoencoder": ("BUNDLE", "name or path of the autoencoder's bundle"),
}


def add_edit_options(parser: argparse.ArgumentParser) -> None:
    """Add the images, what is known of them, and how they are edited.

    Parameters
    ----------
    parser : ArgumentParser
    """
    parser.add_argument("images", metavar="IMAGE", nargs="+", help="DICOM files, pictures, and folders of them")
    known = parser.add_argument_group("what the files show, where they do not state it")
    for name, vocabulary in _KNOWN.items():
        known.add_argument(f"--{name}", metavar=name.upper(), help=", ".join(str(member) for member in vocabulary))
    how = parser.add_argument_group("how")
    for name, (metavar, text) in _HOW.items():
        how.add_argument(f"--{name}", metavar=metavar, default=environment(name), help=text)
    how.add_argument("--device", metavar="DEVICE", default=environment("device", "auto"), help="auto, cpu or cuda")
    how.add_argument("--out", metavar="DIR", default=environment("out"), help="folder of the run")
    add_output_options(parser)


def run_edit(arguments: argparse.Namespace, function: Callable[..., Run], **words: Any) -> int:
    """Edit the images and say what came out.

    Parameters
    ----------
    arguments : Namespace
    function : callable
        `monai_mammo.insert` or `monai_mammo.remove`.
    **words
        What is particular to it.

    Returns
    -------
    int
    """
    if not arguments.out:
        raise RequestError(f"{function.__name__} needs the folder of the run: --out DIR")
    given = {name: getattr(arguments, name) for name in SETTINGS} | words
    with ProgressLine("images", quiet=arguments.quiet) as line:
        made = function(
            arguments.images,
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
    changed = f"{made.n_made} made now" if made.n_made else "nothing was left to do"
    say(arguments, f"{counted(len(made), 'edited mammogram')} in {made.folder} ({changed})")
    return 0
