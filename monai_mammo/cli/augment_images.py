"""`monai-mammo augment`: a training set of edited mammograms."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from monai_mammo.cli.options import add_output_options, counted, environment, help_of, say, say_json
from monai_mammo.cli.progress_line import ProgressLine
from monai_mammo.errors import RequestError

__all__ = ["add_parser", "run"]

_WORDS = {
    "per_image": ("N", "versions of each image (default 2)"),
    "split": ("SPLIT", "of a prepared folder (default training)"),
    "finding": ("FINDING", "of inserted lesions (default mass)"),
    "conspicuity": ("C", "0 to 1: their contrast within the range of real lesions"),
    "seed": ("N", "decides all that is drawn by chance (default 0)"),
    "workers": ("N", "processes (default 1)"),
    "steps": ("N", "network evaluations, 1 to 64 (default 16)"),
    "guidance": ("W", "weight of guidance, 0 to 20 (default 1.5)"),
    "bundle": ("BUNDLE", "name or path of the bundle with the painter"),
    "autoencoder": ("BUNDLE", "name or path of the autoencoder's bundle"),
    "device": ("DEVICE", "auto, cpu or cuda"),
}
_MOST_SHOWN = 5


def add_parser(commands: Any) -> None:
    """Add the command to an argparse collection of commands.

    Parameters
    ----------
    commands : object
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        "augment",
        help=help_of("augment"),
        description="A training set with datalist, masks and boxes, and as COCO: lesions inserted into images without "
        "one, and taken out of images with one.",
    )
    parser.add_argument("folder", metavar="FOLDER", help="prepared folder, or folder of DICOM files and pictures")
    for name, (metavar, text) in _WORDS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", metavar=metavar, default=environment(name), help=text)
    parser.add_argument("--originals", action="store_true", help="list the images that were edited too")
    parser.add_argument("--out", metavar="DIR", default=environment("out"), help="folder for the set")
    add_output_options(parser)
    parser.set_defaults(run=run, uses_networks=True)


def run(arguments: argparse.Namespace) -> int:
    """Make the set, say what came out.

    Parameters
    ----------
    arguments : Namespace

    Returns
    -------
    int
    """
    from monai_mammo.editing import augment

    if not arguments.out:
        raise RequestError("augment needs the folder of the set: --out DIR")
    given = {name: getattr(arguments, name) for name in _WORDS if getattr(arguments, name) is not None}
    with ProgressLine("images", quiet=arguments.quiet) as line:
        made = augment(
            arguments.folder, out=arguments.out, originals=arguments.originals, progress=line.update, **given
        )
    if arguments.json:
        say_json(made)
    left_out = list(made["left_out"].items())
    for name, reason in left_out[: _MOST_SHOWN if not arguments.quiet else 0]:
        print(f"warning: {name} takes no part: {reason}", file=sys.stderr)
    if len(left_out) > _MOST_SHOWN and not arguments.quiet:
        print(f"warning: {len(left_out) - _MOST_SHOWN} more take no part: see augmented.json", file=sys.stderr)
    say(
        arguments,
        f"{counted(made['n_images'], 'image')} in {arguments.out}: {made['n_inserted']} with an inserted lesion, "
        f"{made['n_removed']} with lesions taken out",
    )
    return 0
