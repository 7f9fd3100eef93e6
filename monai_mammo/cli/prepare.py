"""`monai-mammo prepare`: any data set to prepared images, masks and a datalist."""

from __future__ import annotations

import argparse
import re
from typing import Any

from monai_mammo.cli.options import add_output_options, environment, help_of, say, say_json
from monai_mammo.cli.progress_line import ProgressLine
from monai_mammo.dicom.process.memory import keep_freed_memory
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.files.names import ALLOW_OUTSIDE
from monai_mammo.prepare.datasets import DATASETS
from monai_mammo.prepare.grid import DEFAULT_SHAPE

__all__ = ["add_parser", "run"]

_SPLIT_BY_FILE = (
    "{n} of {all} images name no person and count as a person each, so images of one person may lie in several splits: "
    "state person_id in a JSON file beside each, put each person's images in a folder, or use a table"
)
_DEFAULT = "x".join(map(str, DEFAULT_SHAPE))


def add_parser(commands: Any) -> None:
    """Add the command to an argparse collection of commands.

    Parameters
    ----------
    commands : object
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        "prepare",
        help=help_of("prepare"),
        description="A folder of DICOM files and pictures, a metadata.csv or a public data set, to prepared images, "
        "masks, datalist.json with splits by person, and report.json with a line for each file. The same command "
        "completes what was interrupted.",
    )
    parser.add_argument("source", metavar="SOURCE", help="folder or table, as its data set is published")
    parser.add_argument("--out", metavar="DIR", required=True, help="prepared folder")
    parser.add_argument(
        "--dataset",
        metavar="DATASET",
        help=f"one of {', '.join(DATASETS)} (default: table where SOURCE is a file, else folder)",
    )
    parser.add_argument("--shape", metavar="ROWSxCOLUMNS", default=_DEFAULT, help=f"prepared grid (default {_DEFAULT})")
    parser.add_argument(
        "--full-size", action="store_true", help="keep each image with the pixels of its file too, memory-mapped"
    )
    parser.add_argument("--seed", metavar="N", default=environment("seed", "0"), help="seed of the splits (default 0)")
    parser.add_argument("--workers", metavar="N", default=environment("workers", "1"), help="processes (default 1)")
    parser.add_argument(
        ALLOW_OUTSIDE, action="store_true", help="read files that a table or a JSON file names outside its folder"
    )
    add_output_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prepare the data set, say what became of its files; 1 where none was read.

    Parameters
    ----------
    arguments : Namespace

    Returns
    -------
    int
    """
    shape = _shape(arguments.shape)
    seed, workers = _whole("seed", arguments.seed), _whole("workers", arguments.workers)
    from monai_mammo.prepare import prepare

    keep_freed_memory()
    with ProgressLine("files", quiet=arguments.quiet) as line:
        report = prepare(
            arguments.source,
            out=arguments.out,
            dataset=arguments.dataset,
            shape=shape,
            full_size=arguments.full_size,
            seed=seed,
            workers=workers,
            allow_outside=arguments.allow_outside,
            progress=line.update,
        )
    if arguments.json:
        say_json(report.to_dict())
    counts = ", ".join(f"{report.count(status)} {status}" for status in ("read", "skipped", "failed"))
    kept = f" ({report.n_kept} were there already)" if report.n_kept else ""
    say(arguments, f"{counts}{kept}; see report.json in {report.out}")
    for reason, n_files in report.reasons.items():
        say(arguments, f"  {reason}: {n_files}")
    if report.n_persons_by_file:
        say(arguments, _SPLIT_BY_FILE.format(n=report.n_persons_by_file, all=report.count("read")))
    for note in report.notes:
        say(arguments, f"  note: {note}")
    if not report.count("read"):
        raise MammoError(f"no mammogram was read from {arguments.source}: report.json in {report.out} says why")
    return 0


def _shape(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,5})[x,](\d{1,5})", text.strip())
    if match is None:
        raise RequestError(f"shape {text!r} must be ROWSxCOLUMNS, such as {_DEFAULT}")
    return int(match[1]), int(match[2])


def _whole(name: str, text: str) -> int:
    if not str(text).isdecimal() or len(str(text)) > 18:
        raise RequestError(f"{name} {text!r} is not a whole number")
    return int(text)
