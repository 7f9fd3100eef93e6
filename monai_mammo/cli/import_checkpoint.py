"""`monai-mammo import-checkpoint`: weights of other projects as modules of MONAI."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from monai_mammo.cli.options import add_output_options, help_of, say, say_json
from monai_mammo.errors import RequestError

__all__ = ["add_parser", "run"]

_SETTINGS = {
    "network": ("NETWORK", "autoencoder or unet, where the file holds both"),
    "definition": ("CONFIG", "config that the network was trained by: JSON of a MONAI bundle, or YAML of CompVis"),
    "num_heads": ("N", "heads of attention of a U-Net, which the weights do not tell"),
    "num_head_channels": ("N[,N...]", "channels of a head instead, for all levels or for each"),
    "norm_num_groups": ("N", "groups of the normalisations (default: the project's, which is 32)"),
    "norm_eps": ("E", "their smallest variance (default: the project's)"),
    "use_convtranspose": ("SWITCH", "whether an autoencoder of monai-generative enlarges by transposed convolutions"),
}


def add_parser(commands: Any) -> None:
    """Add the command to an argparse collection of commands.

    Parameters
    ----------
    commands : object
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        "import-checkpoint",
        help=help_of("import-checkpoint"),
        description="Autoencoder or U-Net of monai-generative, MONAI's model zoo or CompVis (latent and Stable "
        "Diffusion) as a module of MONAI: a folder with weights, a config that MONAI instantiates, and how far the "
        "module lies from the original on random input.",
    )
    parser.add_argument("checkpoint", metavar="FILE", help=".pt, .pth, .ckpt or .safetensors; nothing in it is run")
    parser.add_argument("--out", metavar="DIR", help="new or empty folder, or one of an earlier import")
    for name, (metavar, text) in _SETTINGS.items():
        words: dict[str, Any] = {"nargs": "?", "const": "true"} if metavar == "SWITCH" else {}
        parser.add_argument(f"--{name.replace('_', '-')}", metavar=metavar, help=text, **words)
    add_output_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Import the weights, say how near the module is to the original.

    Parameters
    ----------
    arguments : Namespace

    Returns
    -------
    int
    """
    if not arguments.out:
        raise RequestError("import-checkpoint needs the folder to write to: --out DIR")
    from monai_mammo.checkpoint_import import import_checkpoint

    settings = {name: getattr(arguments, name) for name in _SETTINGS}
    report = import_checkpoint(arguments.checkpoint, out=arguments.out, **settings)
    if arguments.json:
        say_json({"folder": str(report.folder), **report.to_dict()})
    if not arguments.quiet:
        for warning in report.warnings:
            print(f"warning: {warning}", file=sys.stderr)
    n_millions = report.n_parameters / 1e6
    say(arguments, f"{report.network} of {report.layout}, {n_millions:.2f} M parameters, in {report.folder}")
    for one in report.parity:
        say(arguments, f"largest difference from {one.reference}: {one.largest_relative_difference:.1e} of its output")
    for why, n_tensors in report.not_imported.items():
        say(arguments, f"left out: {n_tensors} tensors, {why}")
    return 0
