"""`monai-mammo counterfactual`: the smallest change by which the lesion network reads a mammogram otherwise."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from monai_mammo.cli.edit_options import add_edit_options, run_edit
from monai_mammo.cli.options import help_of
from monai_mammo.errors import MammoError, RequestError

if TYPE_CHECKING:
    from monai_mammo.generation import Run

__all__ = ["add_parser", "run"]


def add_parser(commands: Any) -> None:
    """Add the command to an argparse collection of commands.

    Parameters
    ----------
    commands : object
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        "counterfactual",
        help=help_of("counterfactual"),
        description="The smallest change by which the lesion network reads a mammogram otherwise, drawn by the "
        "generator from the noised original. The judge, which takes no part, must read it so too: where it does not, "
        "the command says that this is not a counterfactual and ends with exit code 1.",
    )
    what = parser.add_argument_group("what is to be read, and where")
    what.add_argument("--set", metavar="NAME=VALUE", help="such as birads=2, finding=none, density=B")
    what.add_argument("--box", metavar="BOX", help="of the lesion: x0,y0,x1,y1 in fractions of the file's picture")
    what.add_argument("--mask", metavar="FILE", help="picture of the file's size whose white pixels are the lesion")
    add_edit_options(parser, several=False, steps=20, guidance=6)
    parser.set_defaults(run=run, uses_networks=True)


def run(arguments: argparse.Namespace) -> int:
    """Change the mammogram, say what changed and who reads what.

    Parameters
    ----------
    arguments : Namespace

    Returns
    -------
    int

    Raises
    ------
    MammoError
        The judge does not confirm the change; what was made stays.
    """
    from monai_mammo.editing import counterfactual

    if arguments.set is None:
        raise RequestError("counterfactual needs what is to be read: --set NAME=VALUE")
    made: list[Run] = []

    def made_by(*images: Any, **words: Any) -> Run:
        made.append(counterfactual(*images, **words))
        return made[-1]

    made_by.__name__ = "counterfactual"
    words = {name: getattr(arguments, name) for name in ("set", "box", "mask")}
    code = run_edit(arguments, made_by, lines=_lines, **words)
    if made[0].failures:
        raise MammoError(f"{made[0].samples[0]['outcome']} (what was made lies in {made[0].folder})")
    return code


def _lines(made: Run) -> list[str]:
    from monai_mammo.editing.counterfactual_search import most_probable

    about = made.samples[0]["counterfactual"]
    name, change = about["target"]["name"], about["change"]
    helped = f", gradient {about['steering']:g}" if about["steering"] else ""
    lines = [
        f"changed by {change['mean']:.4f} of brightness on average and {change['largest']:.2f} at most, in "
        f"{change['share_of_breast']:.0%} of the breast (strength {about['strength']:g}{helped})"
    ]
    for who, words in (("lesion_network", "lesion network"), ("judge", "judge")):
        was, now = (most_probable(about[when][who], name) for when in ("before", "after"))
        lines.append(
            f"{words}: {name} {was} ({about['before'][who][name][was]:.2f}) before, "
            f"{now} ({about['after'][who][name][now]:.2f}) after"
        )
    return lines
