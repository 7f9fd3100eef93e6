"""`monai-mammo reader-kit`: a study in which readers tell acquired from synthetic mammograms."""

from __future__ import annotations

import argparse
from typing import Any

from monai_mammo.cli.options import add_output_options, counted, environment, help_of, say, say_json
from monai_mammo.cli.progress_line import ProgressLine

__all__ = ["add_parser", "run"]

_WORDS = ("real", "synthetic", "split", "synthetic_split", "kind", "pairs", "ratings")


def add_parser(commands: Any) -> None:
    """Add the command to an argparse collection of commands.

    Parameters
    ----------
    commands : object
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        "reader-kit",
        help=help_of("reader-kit"),
        description="Writes a page that runs from a USB stick, in which readers rate single images and choose between "
        "two, and, apart from it, the key of what is acquired. `monai-mammo reader-kit analyse` reads their answers.",
    )
    parser.add_argument("out", metavar="OUT", help="folder for stick/, which readers get, and key.json")
    parser.add_argument("--real", metavar="FOLDER", required=True, help="prepared folder or pictures, acquired")
    parser.add_argument("--synthetic", metavar="FOLDER", required=True, help="run, prepared folder or pictures")
    parser.add_argument("--split", default="validation", help="of a prepared folder --real (default: %(default)s)")
    parser.add_argument(
        "--synthetic-split", default="training", help="of a prepared folder --synthetic (default: %(default)s)"
    )
    parser.add_argument("--kind", help="acquisition kind of pictures that state none")
    parser.add_argument("--pairs", metavar="N", default="20", help="tasks with two images (default: %(default)s)")
    parser.add_argument(
        "--ratings", metavar="N", default="40", help="images rated, half of them synthetic (default: %(default)s)"
    )
    parser.add_argument("--seed", default=environment("seed", "0"), help="chooses and shuffles (default: %(default)s)")
    add_output_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the kit, say where it lies.

    Parameters
    ----------
    arguments : Namespace

    Returns
    -------
    int
        0.
    """
    from monai_mammo.evaluation.reader_study import reader_kit
    from monai_mammo.evaluation.reader_study.kit_folder import KEY, STICK

    words = {name: getattr(arguments, name) for name in _WORDS}
    with ProgressLine("images", quiet=arguments.quiet) as line:
        key = reader_kit(arguments.out, **words, seed=arguments.seed, progress=line.update)
    if arguments.json:
        say_json({"kit": key["kit"], "out": str(arguments.out), "n_items": len(key["items"])})
    n_pairs = sum(item["task"] == "pair" for item in key["items"])
    ratings = counted(len(key["items"]) - n_pairs, "rating")
    say(arguments, f"{arguments.out}: {key['kit']} with {counted(n_pairs, 'pair')} and {ratings}")
    say(arguments, f"copy {STICK}/ alone to readers, who open index.html, and keep {KEY} to yourself")
    return 0
