"""`monai-mammo evaluate`: the figures of the model cards."""

from __future__ import annotations

import argparse
import inspect
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from monai_mammo.bundle import DEFAULT_BUNDLES
from monai_mammo.cli.options import environment, help_of
from monai_mammo.cli.progress_line import ProgressLine

__all__ = ["add_parser", "run", "with_figures_named"]

_OF_THE_COMMAND = ("run", "rest", "figures", "uses_networks")
_PARTS = {
    "realism": "parts of the work",
    "edits": "pictures",
    "report": "images measured and read",
    "utility": "trainings",
}
_REPORT = "report"
_REFERENCE = "--reference"
_BUNDLES = {
    "bundle": (DEFAULT_BUNDLES[0], "diffusion network"),
    "autoencoder": (DEFAULT_BUNDLES[1], "autoencoder"),
    "lesion_network": (DEFAULT_BUNDLES[2], "lesion network and judge"),
}


def add_parser(parsers: Any) -> None:
    """Add the command, and its own commands, to an argparse collection of commands.

    Parameters
    ----------
    parsers : argparse subparsers
    """
    parser: argparse.ArgumentParser = parsers.add_parser(
        "evaluate",
        help=help_of("evaluate"),
        description="Figures of reconstructed, examined and generated images, each with its interval and beside "
        "the same figure on acquired images.",
    )
    _add_figures(parser)


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
    from monai_mammo.evaluation import evaluate, markdown_table
    from monai_mammo.evaluation.evaluate_figures import figure_function

    words = {name: value for name, value in vars(arguments).items() if name not in _OF_THE_COMMAND}
    with ProgressLine(_PARTS.get(arguments.figures, "images")) as line:
        taken = inspect.signature(figure_function(arguments.figures)).parameters
        if "progress" in taken:
            words["progress"] = line.update
        if "announce" in taken:
            words["announce"] = lambda sentence: print(sentence, file=sys.stderr, flush=True)
        found = evaluate(arguments.figures, **words)
    if isinstance(found, dict):
        sys.stdout.write(markdown_table(found))
    elif arguments.figures in ("requests", "sheet"):
        noun = {"requests": "requests", "sheet": "pairs of an acquired and a synthetic image of equal conditions"}
        print(f"{arguments.out}: {len(found)} {noun[arguments.figures]}")
    elif arguments.figures == "card":
        print(f"{arguments.card}: {', '.join(found)}")
    else:
        print(found)
    return 0


def with_figures_named(words: Sequence[str]) -> list[str]:
    """Words of a command line, in which ``evaluate SYNTHETIC --reference REAL`` is ``evaluate report …``.

    A folder of the name of figures is meant where it is written as a path, such as ``./sheet``.

    Parameters
    ----------
    words : sequence of str
        After the program's name.

    Returns
    -------
    list of str
    """
    head, rest = list(words[:1]), list(words[1:])
    if head != ["evaluate"] or not rest or rest[0] in ("-h", "--help"):
        return [*head, *rest]
    if rest[0] in _add_figures(argparse.ArgumentParser()).choices:
        return [*head, *rest]
    has_reference = any(word.partition("=")[0] == _REFERENCE for word in rest)
    return [*head, _REPORT, *rest] if has_reference or os.path.isdir(rest[0]) else [*head, *rest]


def _add_figures(parser: argparse.ArgumentParser) -> Any:
    """Add a command for each sort of figures; gives argparse's collection of them."""
    commands = parser.add_subparsers(metavar="FIGURES", required=True)
    _add(commands, "reconstruction", "what the autoencoder keeps, beside a bicubic shrink", ["autoencoder"])
    _add(commands, "spots", "the smallest feature that survives the autoencoder", ["autoencoder"])
    command = _add(
        commands, "texture", "power of reconstructed and generated texture, beside acquired", ["autoencoder"]
    )
    command.add_argument("runs", nargs="*", metavar="RUN", help="folder that `monai-mammo generate` wrote")
    _add(commands, "lesions", "what lesion network and judge see", ["lesion_network"])
    _add(commands, "examiners", "how far lesion network and judge can be asked", ["lesion_network"])
    _add(commands, "calibrate", "make the examiners' confidences true on held-back images", ["lesion_network"])
    command = _add(
        commands, "requests", "conditions of acquired images, for `generate --conditions`", ["bundle"], device=False
    )
    command.add_argument("--n", type=int, default=100, help="default: %(default)s")
    command.add_argument("--seed", type=int, default=11, help="default: %(default)s")
    _add_knobs(commands)
    command = _add(commands, "adherence", "generated images against what was requested", ["lesion_network"])
    command.add_argument("runs", nargs="+", metavar="RUN", help="folder that `monai-mammo generate` wrote")
    command = _add(
        commands, "memorisation", "closeness to training images, beside planted copies", ["bundle"], device=False
    )
    command.add_argument("runs", nargs="+", metavar="RUN", help="folder that `monai-mammo generate` wrote")
    _add_memory(commands)
    _add_realism(commands)
    command = _add(
        commands,
        "loop",
        "what the judge reads in groups of three: acquired image, reconstruction, synthetic image of equal conditions",
        ["autoencoder", "lesion_network"],
        out="folder for loop.json, loop.md and broken.png",
    )
    command.add_argument("synthetic", metavar="RUN", help="folder that `monai-mammo generate` wrote")
    _add_edits(commands)
    command = _add(
        commands, "translation", "translated views beside the acquired ones of the same breasts", [*_BUNDLES]
    )
    command.add_argument("--weights", metavar="FILE", help="of a training of the translator (default: the bundle's)")
    command.add_argument("--regression", metavar="FILE", help="of a training of the regression beside it")
    command.add_argument("--sheet", metavar="PNG", help="file for a picture of some pairs")
    command.add_argument("--n-most", type=int, metavar="N", help="pairs that are examined at most (default: all)")
    command.add_argument("--seed", type=int, default=0, help="of the noise (default: %(default)s)")
    command.add_argument("--steps", type=int, default=20, help="network evaluations of a view (default: %(default)s)")
    _add_utility(commands)
    _add_report(commands)
    command = commands.add_parser("fingerprint", help="write the fingerprint of the training images into a bundle")
    command.add_argument("--datalist", required=True, help="datalist.json of the images that were trained on")
    command.add_argument("--bundle", default=DEFAULT_BUNDLES[0], help="default: %(default)s")
    command.set_defaults(run=run, figures="fingerprint")
    _add_drift(commands)
    command = _add(commands, "sheet", "PNG of acquired beside synthetic images of equal conditions", [*_BUNDLES])
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--steps", type=int, default=20, help="network evaluations of an image (default: %(default)s)")
    command.add_argument("--guidance", type=float, help="default: the bundle's own")
    command.add_argument(
        "--max-tries", type=int, default=1, help="draws of an image among which the lesion network chooses"
    )
    command.add_argument("--is-outlined", action="store_true", help="outline requested and known lesions")
    command = commands.add_parser(
        "compare",
        help="figures of several generators side by side",
        description="A table with a column for each generator, such as the diffusion model beside a VAE, from figures "
        "that `evaluate realism`, `texture`, `adherence` and the report wrote. The report takes the images of anybody. "
        "Nothing is measured anew.",
    )
    command.add_argument("files", nargs="+", metavar="NAME=FIGURES.json", help="generator, and a file of its figures")
    command.add_argument("--out", metavar="COMPARISON.json", help="file to write")
    command.set_defaults(run=run, figures="compare")
    command = commands.add_parser("card", help="put figures into a model card")
    command.add_argument("card", help="markdown file with markers <!-- figures:NAME -->")
    command.add_argument("files", nargs="+", metavar="FIGURES.json", help="files of the other commands")
    command.set_defaults(run=run, figures="card")
    return commands


def _add_knobs(commands: Any) -> None:
    command = commands.add_parser(
        "knobs",
        help="what moves when one condition is changed alone",
        description="Each condition that a generator is told of set to its levels alone, with the same noise: what "
        "lesion network, judge and simple measures of breast and lesion say. Tells which conditions it responds to.",
    )
    command.add_argument("--seeds", type=int, default=16, help="images at each level (default: %(default)s)")
    command.add_argument("--seed", type=int, default=0, help="of the run (default: %(default)s)")
    command.add_argument("--kind", default="film", help="acquisition kind of the images (default: %(default)s)")
    command.add_argument("--only", default="", metavar="KNOBS", help="comma-separated names (default: all)")
    command.add_argument("--steps", type=int, default=20, help="network evaluations of an image (default: %(default)s)")
    command.add_argument("--guidance", type=float, help="default: the bundle's own")
    command.add_argument("--rows", metavar="FILE", help="figures of each image, from which a stopped call goes on")
    command.add_argument("--write", action="store_true", help="say in the bundle's metadata what it responds to")
    command.add_argument("--device", default="auto", help="auto, cpu or cuda")
    for word, (default, noun) in _BUNDLES.items():
        command.add_argument(f"--{word.replace('_', '-')}", default=default, help=f"{noun} (default: %(default)s)")
    command.add_argument("--out", metavar="FIGURES.json", help="file to write")
    command.set_defaults(run=run, figures="knobs")


def _add_memory(commands: Any) -> None:
    command = _add(
        commands,
        "copies",
        "how many planted copies of training images are found, at one false alarm in a hundred",
        ["bundle", "lesion_network"],
    )
    command.add_argument("runs", nargs="*", metavar="RUN", help="folder that `monai-mammo generate` wrote")
    command.add_argument(
        "--n-copies", type=int, default=100, help="images that each alteration copies (default: %(default)s)"
    )
    command.add_argument(
        "--ways",
        default="structure,gate,radiomic,learned",
        help="ways of looking, with commas between (default: %(default)s)",
    )
    command.add_argument("--seed", type=int, default=0, help="chooses images and alterations (default: %(default)s)")
    command = _add(commands, "membership", "whether losses tell training images from others", ["bundle", "autoencoder"])
    command.add_argument("--n-images", type=int, default=100, help="at most, of each (default: %(default)s)")
    command.add_argument("--seed", type=int, default=0, help="chooses images and noise (default: %(default)s)")


def _add_drift(commands: Any) -> None:
    does = "write means and spreads of the training images, by kind and view, into a bundle"
    command = commands.add_parser("training-summary", help=does, description=does)
    command.add_argument("--datalist", required=True, help="datalist.json of the images that were trained on")
    command.add_argument("--split", default="training", help="of the datalist (default: %(default)s)")
    command.set_defaults(run=run, figures="training-summary", uses_networks=True)
    drift = commands.add_parser(
        "drift",
        help="in what the breasts of a prepared folder are unlike a bundle's training images",
        description="Breast area, brightness, density, spectrum, radiomic features and features of networks beside "
        "those of the training images of the same kind and view, of which the bundle carries a summary: differences "
        "in standard deviations with 95 % interval over persons, their direction in words, and one sentence.",
    )
    drift.add_argument("prepared", metavar="PREPARED", help="folder that `monai-mammo prepare` wrote")
    drift.add_argument("--split", default="all", help="of the folder (default: %(default)s)")
    drift.add_argument("--out", metavar="FIGURES.json", help="file to write")
    drift.set_defaults(run=run, figures="drift", uses_networks=True)
    for parser, n_network in ((command, 100), (drift, 200)):
        parser.add_argument("--n-images", type=int, default=100_000, help="at most, of each kind and view")
        parser.add_argument(
            "--n-network",
            type=int,
            default=n_network,
            help="at most, of each kind and view, for features of networks; 0 for none (default: %(default)s)",
        )
        parser.add_argument("--seed", type=int, default=0, help="chooses images (default: %(default)s)")
        parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
        for word in ("bundle", "lesion_network"):
            default, noun = _BUNDLES[word]
            parser.add_argument(f"--{word.replace('_', '-')}", default=default, help=f"{noun} (default: %(default)s)")


def _add_realism(commands: Any) -> None:
    command = commands.add_parser(
        "realism",
        help="how real generated images are, beside acquired ones",
        description="Length of fibres, skin line, trace of the decoder, spectrum, outline; Fréchet distance; whether a "
        "classifier can tell generated from acquired images. Each figure stands beside that of other acquired images. "
        "--out gets realism.json, realism.md, sheets of 8 x 8 images at 1:1 and ten pairs at 3:1.",
    )
    command.add_argument("synthetic", metavar="SYNTHETIC", help="run, prepared folder or folder of pictures")
    command.add_argument("--reference", metavar="REAL", required=True, help="prepared folder of acquired images")
    command.add_argument("--split", default="validation", help="of the reference (default: %(default)s)")
    command.add_argument("--kind", help="acquisition kind of pictures that state none")
    default, noun = _BUNDLES["lesion_network"]
    command.add_argument("--lesion-network", default=default, help=f"{noun}, and encoder (default: %(default)s)")
    command.add_argument("--seed", type=int, default=0, help="chooses control and sheets (default: %(default)s)")
    command.add_argument("--device", default="auto", help="auto, cpu or cuda")
    command.add_argument("--out", metavar="DIR", help="folder for figures and sheets")
    command.set_defaults(run=run, figures="realism", uses_networks=True)


def _add_edits(commands: Any) -> None:
    command = commands.add_parser(
        "edits",
        help="inserted lesions beside real ones, filled regions beside healthy tissue",
        description="Whether a classifier tells crops of edited places from acquired ones, whether a seam is left, "
        "contrast, spectrum, and what lesion network and judge read there. Several runs stand side by side. --out gets "
        "edits.json, edits.md and a page of 40 pairs of each run at 1:1.",
    )
    command.add_argument(
        "runs", nargs="+", metavar="[NAME=]RUN", help="folder that `insert` or `remove` wrote; one name joins several"
    )
    command.add_argument(
        _REFERENCE,
        metavar="REAL",
        required=True,
        help="prepared folder, or folder of files of the same pixel size with a JSON file beside each",
    )
    command.add_argument("--split", default="validation", help="of a prepared folder (default: %(default)s)")
    command.add_argument(
        "--reader-sheet", action="store_true", help="write a sheet of pairs to be printed for readers, and its answers"
    )
    default, noun = _BUNDLES["lesion_network"]
    command.add_argument("--lesion-network", default=default, help=f"{noun}, and encoder (default: %(default)s)")
    command.add_argument("--seed", type=int, default=0, help="chooses healthy places and pairs (default: %(default)s)")
    command.add_argument("--device", default="auto", help="auto, cpu or cuda")
    command.add_argument("--out", metavar="DIR", help="folder for figures and pages")
    command.set_defaults(run=run, figures="edits", uses_networks=True)


def _add_utility(commands: Any) -> None:
    command = commands.add_parser(
        "utility",
        help="what a training gains by generated images, tested on acquired images of other persons",
        description="Small networks are trained on acquired images, on synthetic ones, on both at several doses, on "
        "one after the other, and with classic augmentation, several seeds each, and tested on acquired images of "
        "other persons. Gains come with intervals, p-values corrected for their number, and what could have been seen. "
        "How long it takes is said before it starts; a stopped call goes on where it stopped. --out gets utility.json, "
        "utility.md and predictions.csv.",
    )
    command.add_argument(
        "synthetic", nargs="?", metavar="SYNTHETIC", help="run, or prepared folder of synthetic images"
    )
    command.add_argument(_REFERENCE, metavar="REAL", help="prepared folder of acquired images")
    command.add_argument(
        "--target", default="density", help="what is read: density, finding or pathology (default: %(default)s)"
    )
    command.add_argument("--split", default="validation", help="of the reference, tested on (default: %(default)s)")
    command.add_argument(
        "--training-split", default="training", help="of the reference, trained on (default: %(default)s)"
    )
    command.add_argument(
        "--synthetic-split", default="training", help="of a prepared folder SYNTHETIC (default: %(default)s)"
    )
    command.add_argument(
        "--doses",
        type=_numbers,
        default="0.5,1,2",
        metavar="NUMBERS",
        help="synthetic images drawn for each acquired one (default: %(default)s)",
    )
    command.add_argument("--seeds", type=int, default=5, help="networks of an arm (default: %(default)s)")
    command.add_argument("--steps", type=int, default=400, help="of each training (default: %(default)s)")
    command.add_argument(
        "--predictions",
        metavar="CSV",
        help="scores of networks of your own, in place of all trainings; columns person, image, arm, architecture, "
        "seed, truth, score, and kind where it is known",
    )
    for word in ("bundle", "lesion_network"):
        default, noun = _BUNDLES[word]
        command.add_argument(f"--{word.replace('_', '-')}", default=default, help=f"{noun} (default: %(default)s)")
    command.add_argument("--seed", type=int, default=0, help="the first seed (default: %(default)s)")
    command.add_argument("--device", default="auto", help="auto, cpu or cuda")
    command.add_argument("--out", metavar="DIR", help="folder for figures, predictions and finished trainings")
    command.set_defaults(run=run, figures="utility", uses_networks=True)


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not numbers with commas between") from None


def _add_report(commands: Any) -> None:
    command = commands.add_parser(
        _REPORT,
        help="what generated images may be used for: one page of all figures (also without the word `report`)",
        description="Realism, adherence to what was requested, closeness to training images, coverage and subgroups, "
        "each with interval, n and the same figure of acquired images, with lights by stated limits and the sentence "
        "that follows from them. --out gets report.json and report.html, which loads nothing from elsewhere.",
    )
    command.add_argument("synthetic", metavar="SYNTHETIC", help="run, prepared folder or folder of pictures")
    command.add_argument(_REFERENCE, metavar="REAL", required=True, help="prepared folder of acquired images")
    command.add_argument("--split", default="validation", help="of the reference (default: %(default)s)")
    command.add_argument(
        "--synthetic-split", default="training", help="of a prepared folder SYNTHETIC (default: %(default)s)"
    )
    command.add_argument("--kind", help="acquisition kind of pictures that state none")
    command.add_argument(
        "--baselines",
        action="store_true",
        help="judge real images, images of both VAEs, and blurred, shuffled and noised copies alike, for comparison",
    )
    command.add_argument(
        "--features",
        action="append",
        default=[],
        metavar="FILE",
        help="network whose features are compared too: TorchScript, an exported program of torch (.pt2) or ONNX; "
        "may be given several times",
    )
    command.add_argument(
        "--peers",
        action="append",
        default=[],
        metavar="NAME=FOLDER",
        help="pictures of another generator, of any size, some of which the page shows and none is measured; may be "
        "given several times",
    )
    command.add_argument(
        "--utility",
        nargs="?",
        const=True,
        default=False,
        metavar="UTILITY.json",
        help="train networks with and without the images, to see what a training gains; or name figures that "
        "`evaluate utility` wrote of the same images",
    )
    command.add_argument(
        "--sources",
        metavar="FOLDER",
        help="images that these were made from, by the same names: how like them edited or reconstructed images are",
    )
    command.add_argument(
        "--target",
        default="density",
        help="what these networks read: density, finding or pathology (default: %(default)s)",
    )
    for word in ("bundle", "lesion_network"):
        default, noun = _BUNDLES[word]
        command.add_argument(f"--{word.replace('_', '-')}", default=default, help=f"{noun} (default: %(default)s)")
    command.add_argument("--seed", type=int, default=0, help="chooses control and images shown (default: %(default)s)")
    command.add_argument("--device", default="auto", help="auto, cpu or cuda")
    command.add_argument("--cache", metavar="DIR", help="folder for what is measured (default: cache in --out)")
    command.add_argument(
        "--workers", metavar="N", default=environment("workers", "1"), help="processes that measure (default 1)"
    )
    command.add_argument("--out", metavar="DIR", required=True, help="folder for report.json and report.html")
    command.set_defaults(run=run, figures=_REPORT, uses_networks=True)


def _add(
    commands: Any,
    name: str,
    does: str,
    bundles: Iterable[str],
    *,
    device: bool = True,
    out: str = "file to write",
) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=does, description=does)
    command.add_argument("--datalist", required=True, help="datalist.json of a prepared folder")
    command.add_argument("--split", default="validation", help="default: %(default)s")
    command.add_argument("--out", required=True, help=out)
    if device:
        command.add_argument("--device", default="auto", help="auto, cpu or cuda")
    for word in bundles:
        default, noun = _BUNDLES[word]
        command.add_argument(f"--{word.replace('_', '-')}", default=default, help=f"{noun} (default: %(default)s)")
    command.set_defaults(run=run, figures=name, uses_networks=device)
    return command
