"""`monai-mammo train`: a bundle's training, started as fast as the machine allows."""

from __future__ import annotations

import argparse
import os
from typing import Any

from monai_mammo.cli.options import help_of
from monai_mammo.parsed_numbers import parse_whole

__all__ = ["add_parser", "run"]


def add_parser(commands: Any) -> None:
    """Add the command to an argparse collection of commands.

    Parameters
    ----------
    commands : object
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        "train",
        help=help_of("train"),
        allow_abbrev=False,
        usage="monai-mammo train [--threads N] BUNDLE|CONFIG [OVERLAY ...] [--ID VALUE ...]",
        description="Runs a bundle's training as `python -m monai.bundle run` does, started with huge pages, which "
        "makes it several times as fast on many machines. --ID VALUE sets any id of the configs, such as --dataset_dir "
        "prepared or --max_epochs 3. A training that was stopped goes on from its last checkpoint.",
    )
    parser.add_argument(
        "config",
        metavar="BUNDLE|CONFIG",
        nargs="+",
        help="name or folder of a bundle, or a config file; then overlays by name or file, such as smoke or fine_tune",
    )
    parser.add_argument(
        "--threads",
        metavar="N",
        help="threads of this process (default: OMP_NUM_THREADS, else 1; more of them pay only where all their cores "
        "are free)",
    )
    parser.set_defaults(run=run, uses_networks=True, takes_overrides=True)


def run(arguments: argparse.Namespace) -> int:
    """Run the training to its end.

    Parameters
    ----------
    arguments : Namespace

    Returns
    -------
    int
    """
    threads = arguments.threads or os.environ.get("OMP_NUM_THREADS") or "1"
    threads = str(parse_whole(threads, name="threads", low=1, high=1024))
    os.environ["OMP_NUM_THREADS"] = threads  # read when torch is imported
    from monai_mammo.training import train
    from monai_mammo.training.start import parse_overrides

    train(*arguments.config, **parse_overrides(arguments.rest))
    return 0
