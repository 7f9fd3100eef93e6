"""`monai-mammo reconstruct`: what the autoencoder keeps of real mammograms."""

from __future__ import annotations

import argparse
from typing import Any

from monai_mammo.cli.options import add_output_options, environment, help_of, say, say_json
from monai_mammo.cli.progress_line import ProgressLine
from monai_mammo.errors import MammoError

__all__ = ["add_parser", "run"]


def add_parser(commands: Any) -> None:
    """Add the command to an argparse collection of commands.

    Parameters
    ----------
    commands : object
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        "reconstruct",
        help=help_of("reconstruct"),
        description="A folder for each image with image.png, reconstruction.png and difference.png on the prepared "
        "grid, and figures.json with a row for each image.",
    )
    parser.add_argument("images", metavar="IMAGE", nargs="+", help="DICOM or picture files")
    parser.add_argument("--out", metavar="DIR", required=True, help="folder for the pictures and figures.json")
    parser.add_argument("--autoencoder", metavar="BUNDLE", default=environment("autoencoder"), help="name or path")
    parser.add_argument("--device", metavar="DEVICE", default=environment("device", "auto"), help="auto, cpu or cuda")
    add_output_options(parser)
    parser.set_defaults(run=run, uses_networks=True)


def run(arguments: argparse.Namespace) -> int:
    """Reconstruct the images, print their figures; 1 where an image could not be read.

    Parameters
    ----------
    arguments : Namespace

    Returns
    -------
    int
    """
    from monai_mammo.generation import reconstruct

    named = {} if arguments.autoencoder is None else {"autoencoder": arguments.autoencoder}
    with ProgressLine("images", quiet=arguments.quiet) as line:
        report = reconstruct(
            arguments.images, out=arguments.out, device=arguments.device, progress=line.update, **named
        )
    if arguments.json:
        say_json(report.to_dict())
    for row in report.rows:
        say(arguments, f"{row['name']}: PSNR {row['psnr_breast']:.2f} dB, SSIM {row['ssim_breast']:.4f} in the breast")
    for sentence in report.not_read:
        say(arguments, f"not read: {sentence}")
    if report.not_read:
        n_images = len(arguments.images)
        raise MammoError(f"{len(report.not_read)} of {n_images} images were not read, first {report.not_read[0]}")
    return 0
