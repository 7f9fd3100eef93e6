"""`monai-mammo doctor`: what a data set hides."""

from __future__ import annotations

import argparse
from typing import Any

from monai_mammo.cli.options import add_output_options, environment, say, say_json
from monai_mammo.cli.progress import ProgressLine
from monai_mammo.errors import RequestError
from monai_mammo.prepare.datasets import DATASETS

__all__ = ["add_parser", "run"]


def add_parser(commands: Any) -> None:
    """Add the command to an argparse collection of commands."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "doctor",
        help="say what a data set hides: leakage, faults, what can not be read",
        description="Looks at every picture of a data set, or of a prepared folder, once: unreadable, inverted, on the "
        "wrong side, mask that does not fit, copies, persons in two splits, labels. Writes doctor.json and "
        "doctor.html. Exit code 1 where there is leakage, 0 with any other issue.",
    )
    parser.add_argument("source", metavar="SOURCE", help="folder of a data set, metadata.csv, or prepared folder")
    parser.add_argument("--out", metavar="DIR", required=True, help="folder for doctor.json and doctor.html")
    names = ", ".join(DATASETS)
    parser.add_argument("--dataset", metavar="DATASET", help=f"one of {names} (default: by what SOURCE is)")
    parser.add_argument("--workers", metavar="N", default=environment("workers", "1"), help="processes (default 1)")
    add_output_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Look at the data set, say what was found; 1 where persons or pictures lie in two splits."""
    workers = str(arguments.workers)
    if not workers.isdecimal() or not 1 <= int(workers[:9]) <= 1024:
        raise RequestError(f"workers {workers!r} is not a whole number from 1 to 1024")
    from monai_mammo.prepare import doctor

    with ProgressLine("files", quiet=arguments.quiet) as line:
        report = doctor(
            arguments.source,
            out=arguments.out,
            dataset=arguments.dataset,
            workers=int(workers),
            on_progress=line.update,
        )
    if arguments.json:
        say_json(report.to_dict())
    for sentence in report.lines():
        say(arguments, sentence)
    say(arguments, f"see doctor.html and doctor.json in {report.out}")
    return 1 if report.has_leakage else 0
