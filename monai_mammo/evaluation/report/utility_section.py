"""Section of the report on what a training gains by the images."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from monai_mammo.evaluation.report.html_parts import NONE, figure_text, list_html, table_html
from monai_mammo.evaluation.report.svg_plots import interval_plot
from monai_mammo.evaluation.utility.training_arms import title_of

__all__ = ["utility_section"]

_MOST_SERIES = 3


def utility_section(figures: Mapping[str, Any]) -> str:
    """Sentence, notes, plot of the arms, tables of arms and of comparisons.

    Parameters
    ----------
    figures : mapping
        As `evaluate_utility` gives them, or ``reason``.

    Returns
    -------
    str
        HTML.
    """
    if "recipes" not in figures:
        return f"<p>Not measured: {escape(figures['reason'])}. <code>--utility</code> trains networks.</p>"
    architectures = list(dict.fromkeys(row["architecture"] for row in figures["arms"]))[:_MOST_SERIES]
    areas = {(row["arm"], row["architecture"]): row["area"] for row in figures["arms"]}
    arms = list(dict.fromkeys(row["arm"] for row in figures["arms"]))
    plot = interval_plot(
        "utility-areas",
        "Area under the curve of each training: 0.5 tells nothing, 1 all",
        architectures,
        [(arm.replace("_", " "), [areas.get((arm, name)) for name in architectures]) for arm in arms],
        unit="area under the curve",
    )
    scroll = '<div class="scroll" role="region" tabindex="0" aria-label="Area under the curve of each training">'
    shown = f'<figure class="plot">{scroll}{plot}</div></figure>'
    rows = [
        [
            f"{row['arm'].replace('_', ' ')}: {row['title']}",
            row["architecture"],
            figure_text(row["area"], 3),
            figure_text(row["spearman"], 3),
            str(row["area"]["n"]),
            str(row["area"]["n_readers"]),
        ]
        for row in figures["arms"]
    ]
    compared = [
        [
            f"{title_of(row['arm'])}, less {title_of(row['than'])}",
            row["architecture"],
            figure_text(row["gain"], 3, sign="+"),
            figure_text(row["effect"], 2, sign="+"),
            f"{row['p_holm']:.2g}",
            "yes" if row["is_shown"] else "no",
            "; ".join(NONE if gain is None else f"{gain:.3f}" for gain in (row["could_see"], row["could_see_holm"])),
        ]
        for row in figures["comparisons"]
    ]
    target = figures["target"]
    words = f"{figures['sentence']} Read is {target['name']} ({', '.join(target['classes'])})."
    return (
        f"<p>{escape(words)}</p>{list_html(figures['notes'])}{shown if plot else ''}"
        + table_html(
            "Trainings",
            ["trained on", "architecture", "area under the curve", "rank correlation", "n", "networks"],
            rows,
            about="The area counts pairs of images of one acquisition kind and of different classes.",
        )
        + table_html(
            "What each training gains",
            ["compared", "architecture", "gain", "effect", "p by Holm", "shown", "could be seen; corrected"],
            compared,
            about=(
                f"Effect: change of the distance between classes, in deviations. p: corrected for all "
                f"{figures['n_comparisons']} comparisons. Could be seen: gain that four in five such studies show; "
                f"{NONE} where it is more than any gain can be."
            ),
        )
    )
