"""Figures of the loop as markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monai_mammo.evaluation.loop.survival import STAGES
from monai_mammo.evaluation.markdown import figure_words, table_of

__all__ = ["loop_table"]


def loop_table(figures: Mapping[str, Any]) -> str:
    """What survives, the trends, and how many triplets broke.

    Parameters
    ----------
    figures : mapping
        As `evaluate_loop` gives them.

    Returns
    -------
    str
        Markdown.
    """
    equal = ", ".join(figures["settings"]["equal_conditions"])
    head = (
        f"{figures['n_triplets']} triplets of an acquired image, its reconstruction and a synthetic image of equal "
        f"{equal}, as the judge reads them; {figures['n_without_partner']} synthetic images have no acquired partner. "
        "Score: overlap, or share read as stated. Cycle error: score lost from the reconstruction to the synthetic "
        "image. Survives: read in the synthetic image, of those read in the acquired and the reconstructed; beside it "
        "the same of all, whatever was read before. Brackets: 95 % bootstrap intervals over acquired persons."
    )
    lines = [
        [
            row["attribute"],
            str(row["n"]),
            *(figure_words(row["score"][stage]) for stage in STAGES),
            figure_words(row["autoencoder_error"], sign="+", are_bounds_signed=True),
            figure_words(row["cycle_error"], sign="+", are_bounds_signed=True),
            str(row["n_read"]),
            figure_words(row["survives"]),
            figure_words(row["by_chance"]),
            row["reason"] or "",
        ]
        for row in figures["rows"]
    ]
    titles = ["attribute", "n", *STAGES, "autoencoder error", "cycle error", "read in both", "survives", "of all", ""]
    trends = [[*_trend_words(row), stage, *_trend(row)] for stage, rows in figures["trends"].items() for row in rows]
    words = "How well the judge finds a lesion (box IoU) by a property: rank correlation, and what must hold."
    n_broken = len(figures["broken"])
    return (
        "\n\n".join(
            [
                head,
                table_of(titles, lines),
                words,
                table_of(["property", "must", "images", "trend", "verdict"], trends),
                f"In {n_broken} of {figures['n_triplets']} triplets an attribute broke: read in the acquired and the "
                "reconstructed image, and not in the synthetic one.",
            ]
        )
        + "\n"
    )


def _trend_words(row: Mapping[str, Any]) -> list[str]:
    return [row["property"], "rises" if row["expected"] > 0 else "falls"]


def _trend(row: Mapping[str, Any]) -> list[str]:
    return [figure_words(row["trend"], sign="+", are_bounds_signed=True), row["verdict"]]
