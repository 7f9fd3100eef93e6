"""`monai-mammo verify`: every file of a run against its manifest, DICOM against itself."""

from __future__ import annotations

import argparse
from typing import Any

from monai_mammo.cli.options import add_output_options, counted, help_of, say, say_json
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
        "verify",
        help=help_of("verify"),
        description="Every file of a run against its manifest: DICOM readable and complete, side read from the "
        "pixels, masks inside the breast. Exit code 1 where something is wrong.",
    )
    parser.add_argument("folder", metavar="DIR", help="folder of a run")
    parser.add_argument(
        "--key", metavar="PUBLIC.pem", help="Ed25519 public key whose owner must have signed the run, and all in it"
    )
    parser.add_argument(
        "--source", metavar="PATH", help="mammogram that the run is made from, or a folder that holds it, to compare"
    )
    add_output_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Check the folder, list what is wrong; 1 where anything is.

    Parameters
    ----------
    arguments : Namespace

    Returns
    -------
    int
    """
    from monai_mammo.generation import verify

    with ProgressLine("samples", quiet=arguments.quiet) as line:
        report = verify(arguments.folder, key=arguments.key, source=arguments.source, progress=line.update)
    if arguments.json:
        say_json(report.to_dict())
    for sentence in (*report.problems, *(f"note: {note}" for note in report.notes)):
        say(arguments, sentence)
    if not report.is_in_order:
        is_listed = not (arguments.quiet or arguments.json)
        which = "listed above" if is_listed else f"the first is: {report.problems[0]}"
        raise MammoError(f"{report.folder} is not in order: {counted(len(report.problems), 'problem')}, {which}")
    say(
        arguments,
        f"{report.folder} is in order: {counted(report.n_samples, 'sample')}, {counted(report.n_files, 'file')}, "
        f"side read from the pixels of {report.n_sides_read}"
        + (f", signed by {arguments.key}" if arguments.key else "")
        + (f", source of {report.n_sources_proved} compared" if arguments.source else ""),
    )
    return 0
