"""Figures by name: what the command ``evaluate`` calls."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from monai_mammo.errors import RequestError
from monai_mammo.evaluation.cards import fill_card
from monai_mammo.evaluation.figures_file import read_figures
from monai_mammo.files.whole import save_bytes

__all__ = ["FIGURES", "evaluate"]

FIGURES: dict[str, tuple[str, str]] = {
    "reconstruction": ("reconstruction_quality", "reconstruction_figures"),
    "spots": ("spots", "spot_figures"),
    "texture": ("texture_power", "texture_figures"),
    "lesions": ("lesion_readings", "lesion_figures"),
    "examiners": ("examination", "examiner_figures"),
    "calibrate": ("calibration", "calibrate_bundle"),
    "requests": ("requests", "requests_like_acquired"),
    "knobs": ("knobs.knob_figures", "knob_figures"),
    "adherence": ("adherence", "adherence_figures"),
    "memorisation": ("memorisation", "memorisation_figures"),
    "copies": ("memory.planted_figures", "planted_figures"),
    "membership": ("memory.membership", "membership_figures"),
    "realism": ("realism.realism_of_folder", "evaluate_realism"),
    "loop": ("loop.loop_of_run", "evaluate_loop"),
    "edits": ("edits.edits_of_runs", "evaluate_edits"),
    "translation": ("translated_views", "translation_figures"),
    "utility": ("utility.utility_of_folder", "evaluate_utility"),
    "report": ("report.report_of_folder", "evaluate_report"),
    "compare": ("comparison", "comparison_figures"),
    "fingerprint": ("memorisation", "fingerprint_bundle"),
    "training-summary": ("drift.drift_figures", "summarise_training"),
    "drift": ("drift.drift_figures", "drift_figures"),
    "sheet": ("sheets", "comparison_sheet"),
    "card": ("evaluate_figures", "fill_card_from_files"),
}
"""What can be measured, drawn or written: module of this room and function."""

_WRITES_ITSELF = (
    "calibrate",
    "realism",
    "loop",
    "edits",
    "utility",
    "report",
    "sheet",
    "fingerprint",
    "training-summary",
    "card",
)
_WRITES_A_FOLDER = ("realism", "loop", "edits", "utility", "report")


def evaluate(figures: str, *, out: str | Path | None = None, **words: Any) -> Any:
    """Figures of a kind, written to a file where one is named.

    Parameters
    ----------
    figures : str
        One of `FIGURES`: ``reconstruction``, ``spots`` and ``texture`` examine an autoencoder, ``lesions`` and
        ``examiners`` the networks that examine, ``knobs`` a generator, ``adherence`` and ``memorisation`` runs;
        ``copies`` and ``membership`` tell whether copies would be found and weights know whom they saw,
        ``requests`` draws conditions for a run to be examined, ``realism`` compares any generated images with acquired
        ones, ``loop`` reads groups of an acquired, a reconstructed and a synthetic image, ``edits`` judges runs of
        `insert` and `remove`, ``translation`` compares translated views with the acquired ones of the same breasts,
        ``utility`` trains networks with and without generated images, ``report`` says for what they may be used,
        ``drift`` in what acquired images are unlike a bundle's training images, ``compare`` puts figures of several
        generators side by side, ``sheet`` draws acquired beside synthetic images, ``calibrate``, ``fingerprint``,
        ``training-summary`` and ``card`` write into a bundle.
    out : str or Path or None
        JSON file of the figures, PNG of the sheet or of reliability diagrams, or folder for the figures and sheets of
        ``realism``, ``loop``, ``edits`` and ``utility`` and for the ``report``.
    **words
        Of the function that `FIGURES` names, such as ``datalist``, ``split`` and ``device``.

    Returns
    -------
    object
        What that function returns: figures as plain JSON values, in most cases.

    Raises
    ------
    RequestError
        There are no such figures, or something that is named is not there.
    MammoError
        Weights or files are missing or damaged, or a file could not be written.
    """
    function = figure_function(figures)
    if out is not None and figures not in _WRITES_A_FOLDER:
        _check_file(Path(out))
    if figures in _WRITES_ITSELF:
        return function(**words, **({} if out is None else {"out": out}))
    found = function(**words)
    if out is not None:
        save_bytes((json.dumps(found, indent=1, ensure_ascii=False) + "\n").encode(), out)
    return found


def figure_function(figures: str) -> Callable[..., Any]:
    """Function behind a name of `FIGURES`.

    Parameters
    ----------
    figures : str
        Name of the figures.

    Returns
    -------
    callable

    Raises
    ------
    RequestError
        There are no such figures.
    """
    if figures not in FIGURES:
        raise RequestError(f"figures {figures!r} are not one of {', '.join(FIGURES)}")
    module, name = FIGURES[figures]
    return getattr(import_module(f"monai_mammo.evaluation.{module}"), name)


def fill_card_from_files(card: str | Path, files: list[str | Path]) -> list[str]:
    """Put figures that lie in JSON files into a model card.

    Parameters
    ----------
    card : str or Path
        Markdown file with markers ``<!-- figures:NAME -->``.
    files : list of paths
        As `evaluate` wrote them.

    Returns
    -------
    list of str
        Names of the figures.

    Raises
    ------
    RequestError
        A file cannot be read, or the card has no single place for its figures.
    """
    return fill_card(card, [read_figures(Path(path)) for path in files])


def _check_file(out: Path) -> None:
    """Refuse a file that cannot be written before hours go into what is to stand in it."""
    if out.is_dir():
        raise RequestError(f"{out} cannot be written: it is a folder, name a file")
    if not out.parent.is_dir():
        raise RequestError(f"{out} cannot be written: there is no folder {out.parent}")
