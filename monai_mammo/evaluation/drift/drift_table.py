"""Figures of drift as markdown, for the terminal and for cards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monai_mammo.evaluation.drift.breast_profile import MEASURES

__all__ = ["drift_table"]

_N_RADIOMIC = 5
_NONE = "\u2013"


def drift_table(figures: Mapping[str, Any]) -> str:
    """Sentence, what it rests on, and a row for each measure; of radiomic features those that differ most.

    Parameters
    ----------
    figures : mapping
        As `drift_figures` gives them.

    Returns
    -------
    str
        Markdown.
    """
    settings, prepared = figures["settings"], figures["prepared"]
    bundle = f"{figures['bundles'][0]['name']} {figures['bundles'][0]['version']}"
    of_groups = "; ".join(
        f"{row['group']}: {row['n_images']} of {row['n_persons']} persons beside {row['n_training_images']} of "
        f"{row['n_training_persons']}"
        for row in figures["groups"]
    )
    lines = [
        f"**{figures['sentence']}**",
        "",
        f"{prepared['n_images']} images of {prepared['n_persons']} persons beside the training images of {bundle}, "
        f"each by its own kind and view ({of_groups}). Differences in standard deviations of the training images, 95 % "
        f"intervals over persons of both sides; unlike where the whole interval lies beyond {settings['tolerance']}, "
        f"of features as a whole where it lies above {settings['most_far']:.0%} of images that are further from the "
        "middle than 19 of 20 training images.",
    ]
    if figures["strange"]:
        lines.append(f"Not compared, since nothing like it was trained on: {'; '.join(figures['strange'])}.")
    if figures["n_trained_on"]:
        lines.append(f"{figures['n_trained_on']} of the files were trained on: of these no drift can be seen.")
    lines += ["", "| what | yours | training | difference | n | verdict |", "| --- | --- | --- | --- | --- | --- |"]
    known = [row for row in figures["rows"] if row["difference"]]
    radiomic = [row for row in known if row["measure"] not in MEASURES]
    largest = sorted(radiomic, key=lambda row: -abs(row["difference"]["mean"]))[:_N_RADIOMIC]
    for row in [*(row for row in known if row["measure"] in MEASURES), *largest]:
        d = row["difference"]
        reach = "" if d["low"] is None else f" ({d['low']:+.2f} to {d['high']:+.2f})"
        verdict = f"{row['verdict']}: {row['words']}" if row["words"] else row["verdict"]
        values = f"{row['yours']['mean']:.3g} | {row['training']:.3g}"
        lines.append(f"| {row['measure']} | {values} | {d['mean']:+.2f}{reach} | {d['n']} | {verdict} |")
    for row in figures["families"]:
        far = row["far"]
        what = f"| {row['features']} features as a whole"
        if far is None:
            lines.append(f"{what} | {_NONE} | 5 % far | {_NONE} | 0 | {row['verdict']}: {row['reason']} |")
            continue
        reach = "" if far["low"] is None else f" ({far['low']:.0%} to {far['high']:.0%})"
        lines.append(f"{what} | {far['mean']:.0%} far{reach} | 5 % far | {_NONE} | {far['n']} | {row['verdict']} |")
    return "\n".join(lines) + "\n"
