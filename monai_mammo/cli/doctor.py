"""`monai-mammo doctor`: what a data set hides."""

from __future__ import annotations

import argparse
from typing import Any

from monai_mammo import machine
from monai_mammo.cli.options import add_output_options, environment, help_of, say, say_json
from monai_mammo.cli.progress_line import ProgressLine
from monai_mammo.errors import RequestError
from monai_mammo.files.names import ALLOW_OUTSIDE
from monai_mammo.parsed_numbers import parse_whole
from monai_mammo.prepare.datasets import DATASETS

__all__ = ["add_parser", "run"]


def add_parser(commands: Any) -> None:
    """Add the command to an argparse collection of commands.

    Parameters
    ----------
    commands : object
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        "doctor",
        help=help_of("doctor"),
        description="Looks at every picture of a data set, or of a prepared folder, once: unreadable, inverted, on the "
        "wrong side, mask that does not fit, copies, persons in two splits, labels. Writes doctor.json and "
        "doctor.html. Exit code 1 where there is leakage, 0 with any other issue. With --machine, says instead what "
        "this machine offers to a training.",
    )
    parser.add_argument(
        "source", metavar="SOURCE", nargs="?", help="folder of a data set, metadata.csv, or prepared folder"
    )
    parser.add_argument("--out", metavar="DIR", help="folder for doctor.json and doctor.html")
    parser.add_argument(
        "--machine", action="store_true", help="processor, huge pages, threads, and images a second of a U-Net"
    )
    names = ", ".join(DATASETS)
    parser.add_argument("--dataset", metavar="DATASET", help=f"one of {names} (default: by what SOURCE is)")
    parser.add_argument("--workers", metavar="N", default=environment("workers", "1"), help="processes (default 1)")
    parser.add_argument(
        ALLOW_OUTSIDE, action="store_true", help="read files that a table or a JSON file names outside its folder"
    )
    add_output_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Look at the data set, say what was found; 1 where persons or pictures lie in two splits.

    Parameters
    ----------
    arguments : Namespace

    Returns
    -------
    int
    """
    if arguments.machine:
        return _machine(arguments)
    if arguments.source is None or arguments.out is None:
        raise RequestError("doctor needs a data set and a folder for what it finds: SOURCE --out DIR")
    workers = parse_whole(arguments.workers, name="workers", low=1, high=1024)
    from monai_mammo.prepare import doctor

    with ProgressLine("files", quiet=arguments.quiet) as line:
        report = doctor(
            arguments.source,
            out=arguments.out,
            dataset=arguments.dataset,
            workers=workers,
            allow_outside=arguments.allow_outside,
            progress=line.update,
        )
    if arguments.json:
        say_json(report.to_dict())
    for sentence in report.lines():
        say(arguments, sentence)
    say(arguments, f"see doctor.html and doctor.json in {report.out}")
    return 1 if report.has_leakage else 0


def _machine(arguments: argparse.Namespace) -> int:
    if arguments.source is not None or arguments.out is not None:
        raise RequestError("--machine goes without SOURCE and --out")
    machine.restart_with_huge_pages()
    from monai_mammo.training import images_per_second

    on_the_clock, of_processor_time = images_per_second()
    lines = machine.describe()  # torch is imported by now, so the threads are those it really has
    speed = f"speed: {on_the_clock:.1f} images a second, {of_processor_time:.1f} a second of processor time (U-Net)"
    for line in (*lines, speed):
        say(arguments, line)
    if arguments.json:
        values = dict(line.split(": ", 1) for line in lines)
        say_json({**values, "images_per_second": on_the_clock, "images_per_cpu_second": of_processor_time})
    return 0
