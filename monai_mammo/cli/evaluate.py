"""`monai-mammo evaluate`: the commands from which every figure of the model cards comes."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from monai_mammo.bundle import DEFAULT_BUNDLES
from monai_mammo.errors import RequestError

__all__ = ["add_parser", "run"]


def add_parser(parsers: Any) -> None:
    """Add the command, and its own commands, to an argparse collection of commands.

    Parameters
    ----------
    parsers : argparse subparsers
    """
    parser: argparse.ArgumentParser = parsers.add_parser(
        "evaluate",
        help="measure what weights keep, see and draw",
        description="Figures of reconstructed, examined and generated images, each with its interval and beside "
        "the same figure on acquired images.",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    command = _command(
        commands, "reconstruction", "what the autoencoder keeps, beside a bicubic shrink", _reconstruction
    )
    command.add_argument("--bundle", default=DEFAULT_BUNDLES[1], help="autoencoder (default: %(default)s)")
    command = _command(commands, "spots", "the smallest feature that survives the autoencoder", _spots)
    command.add_argument("--bundle", default=DEFAULT_BUNDLES[1], help="autoencoder (default: %(default)s)")
    command = _command(commands, "texture", "power of reconstructed and generated texture, beside acquired", _texture)
    command.add_argument("runs", nargs="*", metavar="RUN", help="folder that `monai-mammo generate` wrote")
    command.add_argument("--bundle", default=DEFAULT_BUNDLES[1], help="autoencoder (default: %(default)s)")
    command = _command(commands, "lesions", "what lesion network and judge see", _lesions)
    command.add_argument("--bundle", default=DEFAULT_BUNDLES[2], help="lesion network and judge (default: %(default)s)")
    command = _command(commands, "requests", "conditions of acquired images, for `generate --conditions`", _requests)
    command.add_argument("--bundle", default=DEFAULT_BUNDLES[0], help="diffusion network (default: %(default)s)")
    command.add_argument("--n", type=int, default=100, help="default: %(default)s")
    command.add_argument("--seed", type=int, default=11, help="default: %(default)s")
    command = _command(commands, "adherence", "generated images against what was asked", _adherence)
    command.add_argument("runs", nargs="+", metavar="RUN", help="folder that `monai-mammo generate` wrote")
    command.add_argument("--bundle", default=DEFAULT_BUNDLES[2], help="lesion network and judge (default: %(default)s)")
    command = _command(commands, "memorisation", "closeness to training images, beside planted copies", _memorisation)
    command.add_argument("runs", nargs="+", metavar="RUN", help="folder that `monai-mammo generate` wrote")
    command.add_argument("--bundle", default=DEFAULT_BUNDLES[0], help="with a fingerprint (default: %(default)s)")
    command = commands.add_parser("fingerprint", help="write the fingerprint of the training images into a bundle")
    command.add_argument("--datalist", required=True, help="datalist.json of the images that were trained on")
    command.add_argument("--bundle", default=DEFAULT_BUNDLES[0], help="default: %(default)s")
    command.set_defaults(run=run, measure=_fingerprint)
    command = _command(commands, "sheet", "PNG of acquired beside synthetic images of equal conditions", _sheet)
    command.add_argument("--bundle", default=DEFAULT_BUNDLES[0], help="diffusion network (default: %(default)s)")
    command.add_argument("--autoencoder", default=DEFAULT_BUNDLES[1], help="default: %(default)s")
    command.add_argument("--lesion-network", default=DEFAULT_BUNDLES[2], help="default: %(default)s")
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--steps", type=int, default=20, help="network evaluations of an image (default: %(default)s)")
    command.add_argument("--guidance", type=float, help="default: the bundle's own")
    command.add_argument(
        "--tries", type=int, default=1, help="draws of an image among which the lesion network chooses"
    )
    command.add_argument("--outlined", action="store_true", help="outline asked and known lesions")
    command = commands.add_parser("card", help="put figures into a model card")
    command.add_argument("card", help="markdown file with markers <!-- figures:NAME -->")
    command.add_argument("figures", nargs="+", help="JSON files of the other commands")
    command.set_defaults(run=run, measure=_card)


def run(arguments: argparse.Namespace) -> int:
    """Measure, write the figures, print their table.

    Parameters
    ----------
    arguments : argparse.Namespace

    Returns
    -------
    int
        0.
    """
    sys.stdout.write(arguments.measure(arguments))
    return 0


def _command(commands: Any, name: str, words: str, measure: Any) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=words, description=words)
    command.add_argument("--datalist", required=True, help="datalist.json of a prepared folder")
    command.add_argument("--split", default="validation", help="default: %(default)s")
    command.add_argument("--device", default="auto", help="auto, cpu or cuda")
    command.add_argument("--out", required=True, help="file to write")
    command.set_defaults(run=run, measure=measure)
    return command


def _reconstruction(given: argparse.Namespace) -> str:
    from monai_mammo.evaluation import reconstruction_figures

    return _written(
        reconstruction_figures(given.datalist, split=given.split, autoencoder=given.bundle, device=given.device), given
    )


def _spots(given: argparse.Namespace) -> str:
    from monai_mammo.evaluation import spot_figures

    return _written(
        spot_figures(given.datalist, split=given.split, autoencoder=given.bundle, device=given.device), given
    )


def _texture(given: argparse.Namespace) -> str:
    from monai_mammo.evaluation import texture_figures

    return _written(
        texture_figures(given.datalist, given.runs, split=given.split, autoencoder=given.bundle, device=given.device),
        given,
    )


def _lesions(given: argparse.Namespace) -> str:
    from monai_mammo.evaluation import lesion_figures

    return _written(
        lesion_figures(given.datalist, split=given.split, lesion_network=given.bundle, device=given.device), given
    )


def _requests(given: argparse.Namespace) -> str:
    from monai_mammo.evaluation import requests_like_acquired
    from monai_mammo.files.whole import save_bytes

    rows = requests_like_acquired(given.datalist, n=given.n, seed=given.seed, split=given.split, name=given.bundle)
    save_bytes((json.dumps(rows, indent=1) + "\n").encode(), given.out)
    return f"{given.out}: {len(rows)} requests\n"


def _adherence(given: argparse.Namespace) -> str:
    from monai_mammo.evaluation import adherence_figures

    figures = adherence_figures(
        given.runs, given.datalist, split=given.split, lesion_network=given.bundle, device=given.device
    )
    return _written(figures, given)


def _memorisation(given: argparse.Namespace) -> str:
    from monai_mammo.evaluation import memorisation_figures

    return _written(memorisation_figures(given.runs, given.datalist, split=given.split, name=given.bundle), given)


def _fingerprint(given: argparse.Namespace) -> str:
    from monai_mammo.evaluation import fingerprint_bundle

    return f"{fingerprint_bundle(given.datalist, name=given.bundle)}\n"


def _sheet(given: argparse.Namespace) -> str:
    from monai_mammo.evaluation import comparison_sheet

    pairs = comparison_sheet(
        given.datalist,
        out=given.out,
        split=given.split,
        diffusion=given.bundle,
        autoencoder=given.autoencoder,
        lesion_network=given.lesion_network,
        seed=given.seed,
        steps=given.steps,
        guidance=given.guidance,
        max_tries=given.tries,
        is_outlined=given.outlined,
        device=given.device,
    )
    return f"{given.out}: {len(pairs)} acquired and {len(pairs)} synthetic images of equal conditions\n"


def _card(given: argparse.Namespace) -> str:
    from monai_mammo.evaluation import fill_card

    names = fill_card(given.card, [_read(Path(path)) for path in given.figures])
    return f"{given.card}: {', '.join(names)}\n"


def _read(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RequestError(f"figures {path} cannot be read: {error}") from None
    if not isinstance(values, dict) or "name" not in values:
        raise RequestError(f"figures {path} are not of this program: there is no name in them")
    return values


def _written(figures: dict[str, Any], given: argparse.Namespace) -> str:
    from monai_mammo.evaluation import markdown_table
    from monai_mammo.files.whole import save_bytes

    save_bytes((json.dumps(figures, indent=1, ensure_ascii=False) + "\n").encode(), given.out)
    return markdown_table(figures)

