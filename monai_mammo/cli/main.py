"""`monai-mammo`: finds the command, turns errors into one sentence and an exit code."""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from monai_mammo import __version__, machine
from monai_mammo.cli import (
    augment_images,
    bundles,
    counterfactual,
    deidentify,
    doctor,
    evaluate,
    evolve,
    generate,
    import_checkpoint,
    insert,
    prepare,
    reader_kit,
    reader_kit_analyse,
    reconstruct,
    remove,
    train,
    translate,
    verify,
)
from monai_mammo.commands import COMMANDS
from monai_mammo.errors import MammoError, RequestError

__all__ = ["main"]

_MODULES = (
    generate,
    verify,
    reconstruct,
    insert,
    remove,
    evolve,
    counterfactual,
    translate,
    augment_images,
    prepare,
    train,
    doctor,
    deidentify,
    bundles,
    evaluate,
    reader_kit,
    reader_kit_analyse,
    import_checkpoint,
)
_OF_TWO_WORDS = tuple(command.name for command in COMMANDS if " " in command.name)
_EPILOG = """\
Exit codes: 0 done; 1 the work failed or is incomplete; 2 the request is wrong; 130 stopped by Ctrl-C.
Settings may also come from the environment, as MONAI_MAMMO_SEED for --seed; a flag goes first.
Research software, not a medical device; every image it makes is marked as synthetic."""


class _Parser(argparse.ArgumentParser):
    """Parser whose complaint is one sentence."""

    def error(self, message: str) -> NoReturn:
        """Raise what argparse would print with its usage."""
        raise RequestError(f"{message} (see {self.prog} --help)")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv : sequence of str or None
        Words after the program's name; `None` takes those of the process.

    Returns
    -------
    int
        Exit code.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names of files may be of any bytes
            stream.reconfigure(errors="backslashreplace")
    try:
        arguments = _arguments(argv)
        if argv is None and getattr(arguments, "uses_networks", False):
            machine.restart_with_huge_pages()
        return int(arguments.run(arguments))
    except RequestError as error:
        return _say(error, 2)
    except MammoError as error:
        return _say(error, 1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _say(f"{where}{error.strerror or error}", 1)
    except KeyboardInterrupt:
        return _say("stopped; what is finished stays, and the same command completes it", 128 + signal.SIGINT)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    words = evaluate.with_figures_named(sys.argv[1:] if argv is None else argv)
    if " ".join(words[:2]) in _OF_TWO_WORDS:  # a folder that is called like the second word is written as a path
        words = [" ".join(words[:2]), *words[2:]]
    arguments, rest = _parser().parse_known_args(words)
    if rest and not getattr(arguments, "takes_overrides", False):
        raise RequestError(f"unrecognized arguments: {' '.join(rest)} (see monai-mammo --help)")
    arguments.rest = rest
    return arguments


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="monai-mammo",
        description="Synthetic mammograms by latent diffusion.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)
    for module in _MODULES:
        module.add_parser(commands)
    return parser


def _say(sentence: object, code: int) -> int:
    one_line = " ".join(str(sentence).split())
    print(f"monai-mammo: {one_line}", file=sys.stderr)
    return code
