"""`monai-mammo deidentify`: mammograms without what tells whose they are."""

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
        "deidentify",
        help=help_of("deidentify"),
        description="Copies of all mammograms of a folder with a named list of attributes alone, and report.json. "
        "Text inside the picture stays: images that say they have some are refused.",
    )
    parser.add_argument("source", metavar="SOURCE", help="folder of DICOM files; it is not changed")
    parser.add_argument("--out", metavar="DIR", required=True, help="folder of the new files, a folder a person")
    parser.add_argument(
        "--secret-file",
        metavar="FILE",
        default=environment("secret_file"),
        help="at least 16 bytes that make the pseudonyms, the same for all deliveries that shall fit together "
        "(default: one that is drawn and forgotten)",
    )
    parser.add_argument("--key-file", metavar="FILE.csv", help="write which file became which; it must not leave")
    parser.add_argument(
        "--keep-sex-and-age-band", action="store_true", help="keep sex, and age in bands of 5 years (default: neither)"
    )
    parser.add_argument(
        "--burned-in", metavar="WHAT", default="refuse", help="images that say they have text in them: refuse or keep"
    )
    add_output_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """De-identify the folder, say what became of its files; 1 where none was.

    Parameters
    ----------
    arguments : Namespace

    Returns
    -------
    int
    """
    from monai_mammo.dicom.deidentification.delivery import deidentify

    with ProgressLine("files", quiet=arguments.quiet) as line:
        report = deidentify(
            arguments.source,
            out=arguments.out,
            secret_file=arguments.secret_file,
            key_file=arguments.key_file,
            keep_sex_and_age_band=arguments.keep_sex_and_age_band,
            burned_in=arguments.burned_in,
            progress=line.update,
        )
    if arguments.json:
        say_json(report.to_dict())
    counts = ", ".join(f"{report.count(status)} {status}" for status in ("deidentified", "skipped", "failed"))
    say(arguments, f"{counts}; see report.json in {report.out}")
    for reason, n_files in report.reasons.items():
        say(arguments, f"  {reason}: {n_files}")
    if report.n_removed:
        gone = "1 file whose source is" if report.n_removed == 1 else f"{report.n_removed} files whose sources are"
        say(arguments, f"removed {gone} no longer in {arguments.source}")
    if not report.count("deidentified"):
        raise MammoError(f"no mammogram was de-identified: report.json in {report.out} says why")
    return 0
