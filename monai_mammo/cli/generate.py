"""`monai-mammo generate`: synthetic mammograms of the requested conditions, in a folder."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from monai_mammo.attributes import TABLE, Attribute
from monai_mammo.cli.options import add_output_options, counted, environment, help_of, say, say_json
from monai_mammo.cli.progress_line import ProgressLine
from monai_mammo.errors import MammoError, RequestError

__all__ = ["add_parser", "run"]

_SETTINGS = {
    "keep": (
        "WHAT",
        "what stays of --like beside its conditions: breast (outline, large structures), all-but-lesion, nothing",
    ),
    "strength": ("S", "with --like, 0 to 1: how far from its pixels sampling starts (default 1, pure noise)"),
    "seed": ("N", "run seed; sample k depends on it and on k alone (default 0)"),
    "steps": ("N", "network evaluations of a sample, 1 to 20 (default 20)"),
    "guidance": ("W", "weight of guidance, or weights such as mask=2,density=1.5,others=1 (default: the bundle's)"),
    "guidance_interval": ("LOW,HIGH", "noise levels between which guidance applies (default: the bundle's, else all)"),
    "format": ("FORMAT", "dicom or nifti (both with PNG previews) or png (default dicom)"),
    "unsupported": ("POLICY", "refuse or override what no training image stands behind (default refuse)"),
    "dice_threshold": ("D", "a lesion found with less Dice is drawn again (default 0.3)"),
    "max_tries": ("N", "draws of a sample, 1 to 4 (default 4)"),
    "mend": ("SWITCH", "let the lesion painter mend what fails the check before it is drawn again (default yes)"),
    "only_passed": ("SWITCH", "let datalist.json leave out samples that failed a criterion (default no)"),
    "bundle": ("BUNDLE", "name or path of the generator's bundle"),
    "autoencoder": ("BUNDLE", "name or path of the autoencoder's bundle"),
    "lesion_network": ("BUNDLE", "name or path of the lesion network's bundle"),
}
_ALONE = {"unsupported": "override", "only_passed": "true", "mend": "true"}
"""What a flag means where no word follows it."""


def add_parser(commands: Any) -> None:
    """Add the command to an argparse collection of commands.

    Parameters
    ----------
    commands : object
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        "generate",
        help=help_of("generate"),
        description="Synthetic mammograms as DICOM with lesion masks and previews. The same command in the same "
        "folder completes what is missing and changes nothing else. --kind digital+contrast makes both views of each "
        "breast, the second translated from the first.",
    )
    shown = parser.add_argument_group("what is to be seen (what is left out stays open)")
    for attribute in TABLE:
        metavar = ",".join(attribute.columns or (attribute.name,)).upper()
        shown.add_argument(f"--{attribute.name.replace('_', '-')}", metavar=metavar, help=_help(attribute))
    shown.add_argument("--mask", metavar="FILE", help="picture whose white pixels are the lesion")
    shown.add_argument("--text", metavar="REPORT", help="words of a mammography report, for what is left open")
    shown.add_argument("--like", metavar="FILE", help="real mammogram whose conditions are taken")
    shown.add_argument(
        "--conditions",
        metavar="FILE",
        help=".json or .csv file with a row for each sample; flags must not contradict it",
    )
    how = parser.add_argument_group("how")
    how.add_argument("--count", metavar="N", default=environment("count"), help="number of samples (default 1)")
    for name, (metavar, text) in _SETTINGS.items():
        words: dict[str, Any] = {"nargs": "?", "const": _ALONE[name]} if name in _ALONE else {}
        how.add_argument(f"--{name.replace('_', '-')}", metavar=metavar, default=environment(name), help=text, **words)
    how.add_argument("--device", metavar="DEVICE", default=environment("device", "auto"), help="auto, cpu or cuda")
    how.add_argument(
        "--sign", metavar="KEY.pem", default=environment("sign"), help="Ed25519 private key that signs the run"
    )
    how.add_argument("--out", metavar="DIR", default=environment("out"), help="folder of the run")
    add_output_options(parser)
    parser.set_defaults(run=run, uses_networks=True)


def run(arguments: argparse.Namespace) -> int:
    """Make the mammograms, say what came out; 1 where a sample shows no mammogram.

    Parameters
    ----------
    arguments : Namespace

    Returns
    -------
    int
    """
    from monai_mammo.generation import generate

    if not arguments.out:
        raise RequestError("generate needs the folder of the run: --out DIR")
    named = (*(attribute.name for attribute in TABLE), "mask", "text", "like", "conditions", "count")
    words = {name: getattr(arguments, name) for name in named}
    settings = {name: getattr(arguments, name) for name in _SETTINGS}
    with ProgressLine("mammograms", quiet=arguments.quiet) as line:
        made = generate(
            out=arguments.out,
            device=arguments.device,
            sign=arguments.sign,
            progress=line.update,
            **words,
            **settings,
        )
    if arguments.json:
        say_json({"folder": str(made.folder), "n_made": made.n_made, **made.manifest, "samples": list(made.samples)})
    for warning in made.warnings:
        if not arguments.quiet:
            print(f"warning: {warning}", file=sys.stderr)
    changed = f"{made.n_made} made now" if made.n_made else "nothing was left to do"
    say(
        arguments,
        f"{counted(len(made), 'synthetic mammogram')} in {made.folder} ({changed}), {len(made.passed)} passed; "
        "see contact_sheet.png there",
    )
    if made.failures:
        raise MammoError(
            f"{len(made.failures)} of {counted(len(made), 'sample')} failed, the first is {made.failures[0]}"
        )
    return 0


def _help(attribute: Attribute) -> str:
    words = [attribute.meaning, attribute.left_open]
    responds = "where the bundle responds to it" if attribute.is_optional or not attribute.is_learnt else ""
    return f"{', '.join(word for word in (*words, responds) if word)}: {attribute.choices.replace('`', '')}"
