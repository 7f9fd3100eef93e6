"""`monai-mammo bundles`: which bundles are found where, and what they say of themselves."""

from __future__ import annotations

import argparse
from typing import Any

from monai_mammo.cli.options import add_output_options, help_of, say, say_json
from monai_mammo.errors import MammoError

__all__ = ["add_parser", "run"]


def add_parser(commands: Any) -> None:
    """Add the command to an argparse collection of commands.

    Parameters
    ----------
    commands : object
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        "bundles", help=help_of("bundles"), description="Bundles with version, place and weights."
    )
    add_output_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """List the bundles; 1 where the weights of one are missing or not those it states.

    Parameters
    ----------
    arguments : Namespace

    Returns
    -------
    int
    """
    from monai_mammo.bundle.listing import bundles

    found = bundles()
    if arguments.json:
        say_json([one.to_dict() for one in found])
    for one in found:
        role = f" ({one.role})" if one.role else ""
        say(arguments, f"{one.name} {one.version}{role}  {one.root}  {one.problem or one.weights_sha256[:12]}")
    broken = [one for one in found if one.problem]
    if broken:
        raise MammoError(f"{len(broken)} of {len(found)} bundles cannot be used, first {broken[0].problem}")
    return 0
