"""Figures of realism as markdown tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from monai_mammo.evaluation.markdown import count_words, figure_words, table_under

__all__ = ["realism_table"]


def realism_table(figures: Mapping[str, Any]) -> str:
    """Five tables with a sentence on each: measures, spectrum, Fréchet and kernel distance, separability.

    Parameters
    ----------
    figures : mapping
        As `realism_figures` gives them.

    Returns
    -------
    str
        Markdown.
    """
    settings = figures["settings"]
    n_images, n_persons = settings["n_images"], settings["n_persons"]
    rows, columns = settings["shape"]
    head = (
        f"{n_images['synthetic']} generated images beside {n_images['reference']} acquired ones of "
        f"{n_persons['reference']} persons, {rows} x {columns} pixels. The control, {n_images['control']} acquired "
        f"images of {n_persons['control']} other persons, is compared with the same acquired images: no generator "
        "can be better. Brackets: 95 % bootstrap intervals over persons."
    )
    parts = (_measures, _profile, _spectrum, _frechet, _kernel, _auc)
    return "\n".join([head, "", *(part(figures) for part in parts)])


def _measures(figures: Mapping[str, Any]) -> str:
    lines = [
        [
            row["kind"],
            row["measure"],
            figure_words(row["synthetic"], 3),
            count_words(row["synthetic"]),
            figure_words(row["acquired"], 3),
            count_words(row["acquired"]),
            figure_words(row["share"], 2),
            figure_words(row["control_share"], 2),
        ]
        for row in figures["measures"]
    ]
    titles = ["kind", "measure", "generated", "n", "acquired", "n", "share", "share, control"]
    return table_under("Measures of single images, in pixels of the image where they are lengths.", titles, lines)


def _profile(figures: Mapping[str, Any]) -> str:
    lines = [
        [
            row["kind"],
            row["view"],
            row["measure"],
            figure_words(row["synthetic"], 3),
            count_words(row["synthetic"]),
            figure_words(row["acquired"], 3),
            count_words(row["acquired"]),
            figure_words(row["difference"], 3, sign="+"),
            figure_words(row["control_difference"], 3, sign="+"),
        ]
        for row in figures.get("profile", ())
    ]
    titles = ["kind", "view", "measure", "generated", "n", "acquired", "n", "difference", "difference, control"]
    words = (
        "By kind and view: area as share of the picture; mean and standard deviation of brightness inside the breast; "
        "dense share, of it above Otsu's threshold; slope of the spectrum."
    )
    return table_under(words, titles, lines) if lines else ""


def _spectrum(figures: Mapping[str, Any]) -> str:
    lines = [
        [
            row["kind"],
            row["view"],
            row["measure"],
            figure_words(row["acquired"], 1),
            count_words(row["acquired"]),
            figure_words(row["difference"], 1, sign="+"),
            count_words(row["difference"]),
            figure_words(row["control_difference"], 1, sign="+"),
        ]
        for row in figures["spectrum"]
    ]
    titles = ["kind", "view", "measure", "acquired", "n", "generated less acquired", "n", "control less acquired"]
    return table_under("Power inside the breast by spatial frequency (cycles a pixel), in dB.", titles, lines)


def _frechet(figures: Mapping[str, Any]) -> str:
    words = (
        "Fréchet distance on 32 principal components of the acquired images, as share of their variance there; few "
        "images make it larger, in the control alike."
    )
    return _distances(words, figures["frechet"])


def _kernel(figures: Mapping[str, Any]) -> str:
    words = (
        "Unbiased kernel distance on the same components; few images do not make it larger, and it may be negative by "
        "chance."
    )
    return _distances(words, figures["kernel"])


def _distances(words: str, rows: Sequence[Mapping[str, Any]]) -> str:
    lines = [
        [
            row["kind"],
            row["features"],
            figure_words(row["synthetic"], 2),
            count_words(row["synthetic"]),
            figure_words(row["control"], 2),
        ]
        for row in rows
    ]
    return table_under(words, ["kind", "features", "generated", "n", "control"], lines)


def _auc(figures: Mapping[str, Any]) -> str:
    shapes = figures["settings"]["sizes"]
    lines = [
        [
            row["kind"],
            f"{shapes[row['size']][0]} x {shapes[row['size']][1]}",
            row["features"],
            figure_words(row["synthetic"], 2),
            count_words(row["synthetic"]),
            figure_words(row["control"], 2),
        ]
        for row in figures["auc"]
    ]
    words = (
        "Area under the curve of a logistic regression that tells generated images from acquired ones, 5-fold by "
        "person: 0.5 cannot, 1 always. Control: acquired images divided by person at random, with the reach of chance."
    )
    return table_under(words, ["kind", "size", "features", "generated", "n", "control"], lines)
