"""`monai-mammo bundles`: which bundles are found where, and what they say of themselves."""

from __future__ import annotations

import argparse
from typing import Any

from monai_mammo.cli.options import add_output_options, say, say_json
from monai_mammo.errors import MammoError

__all__ = ["add_parser", "run"]


def add_parser(commands: Any) -> None:
    """Add the command to an argparse collection of commands."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "bundles", help="list the bundles that are found", description="Bundles with version, place and weights."
    )
    add_output_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """List the bundles; 1 where the weights of one are missing or not those it states."""
    from monai_mammo.bundle import list_bundles

    rows = [_row(folder) for folder in list_bundles()]
    if arguments.json:
        say_json(rows)
    for row in rows:
        say(arguments, f"{row['name']} {row['version']}  {row['root']}  {row['problem'] or row['weights_sha256'][:12]}")
    broken = [row for row in rows if row["problem"]]
    if broken:
        raise MammoError(f"{len(broken)} of {len(rows)} bundles cannot be used, first {broken[0]['problem']}")
    return 0


def _row(folder: Any) -> dict[str, Any]:
    row = {"name": folder.name, "root": str(folder.root), "version": "", "weights_sha256": "", "problem": ""}
    try:
        row["version"] = folder.version
        folder.check_weights()
        row["weights_sha256"] = folder.weights_sha256["models/model.pt"]
    except MammoError as error:
        row["problem"] = str(error)
    return row
