"""Options that commands share, and their values from the environment."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any

from monai_mammo.commands import COMMANDS

__all__ = ["add_output_options", "counted", "environment", "help_of", "say", "say_json"]


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--quiet`` and ``--json``.

    Parameters
    ----------
    parser : ArgumentParser
    """
    parser.add_argument("--quiet", action="store_true", help="no progress and no summary")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def counted(n: int, noun: str) -> str:
    """Number and noun, such as ``1 sample`` or ``2 samples``.

    Parameters
    ----------
    n : int
        Number of things.
    noun : str
        One whose plural ends with s.

    Returns
    -------
    str
    """
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def help_of(command: str) -> str:
    """What a command does, in the words of the list of commands.

    Parameters
    ----------
    command : str
        One of `COMMANDS`.

    Returns
    -------
    str
    """
    return next(one.does for one in COMMANDS if one.name == command)


def environment(name: str, default: str | None = None) -> str | None:
    """Value of ``MONAI_MAMMO_<NAME>``, or the default where it is not set.

    Parameters
    ----------
    name : str
        Such as ``seed``, without prefix.
    default : str or None
        Where the variable is not set or is empty.

    Returns
    -------
    str or None
    """
    return os.environ.get(f"MONAI_MAMMO_{name.upper()}") or default


def say(arguments: argparse.Namespace, sentence: str) -> None:
    """Print a line of the summary, unless ``--quiet`` or ``--json`` is given.

    Parameters
    ----------
    arguments : Namespace
    sentence : str
        One line, without its end.
    """
    if not arguments.quiet and not arguments.json:
        print(sentence)


def say_json(values: Any) -> None:
    """Print a result as JSON on standard output.

    Parameters
    ----------
    values : object
    """
    json.dump(values, sys.stdout, indent=2, ensure_ascii=False)
    print()
