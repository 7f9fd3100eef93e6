"""What a course over several visits came to: measured beside lawful sizes, and the place at each visit as a picture."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from monai_mammo.files.picture import read_brightness
from monai_mammo.files.png import png_bytes
from monai_mammo.generation.runs.edited_form import EDITED
from monai_mammo.generation.runs.manifest import Manifest, sample_name
from monai_mammo.generation.runs.run_spec import RunSpec

__all__ = ["COLUMNS", "evolution_files", "evolution_rows", "printed_rows"]

COLUMNS = (
    "visit",
    "date",
    "days",
    "volume_ratio",
    "lawful_px",
    "measured_px",
    "lawful_mm",
    "measured_mm",
    "deviation",
    "is_lawful",
)
"""Columns of the table of a course: diameters are those of discs of equal area, at the detector."""


def evolution_rows(entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows of the table, one a visit.

    Parameters
    ----------
    entries : sequence of mapping
        Of the manifest of a run of `evolve`.

    Returns
    -------
    list of dict
        By `COLUMNS`; what is not known is `None`.
    """
    return [{name: entry["visit"].get(name) for name in COLUMNS} for entry in entries]


def printed_rows(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Table as lines of text.

    Parameters
    ----------
    rows : sequence of mapping
        Of `evolution_rows`.

    Returns
    -------
    list of str
    """
    unit = "px" if rows[0]["lawful_mm"] is None else "mm"
    lines = [f"{'visit':>5} {'date':>10} {'volume':>8} {'lawful ' + unit:>10} {'measured':>9} {'deviation':>9}"]
    for row in rows:
        measured = "-" if row[f"measured_{unit}"] is None else f"{row[f'measured_{unit}']:.1f}"
        deviation = "-" if row["deviation"] is None else f"{row['deviation']:+.1%}"
        lines.append(
            f"{row['visit']:>5} {row['date']:>10} {row['volume_ratio']:>8.3f} {row[f'lawful_{unit}']:>10.1f} "
            f"{measured:>9} {deviation:>9}"
        )
    return lines


def evolution_files(manifest: Manifest, spec: RunSpec) -> dict[str, bytes]:
    """Files of a finished course beside those of its visits.

    Parameters
    ----------
    manifest : Manifest
    spec : RunSpec

    Returns
    -------
    dict of str to bytes
        ``evolution.json`` and ``evolution.csv`` with the table, ``evolution.png`` with the place at each visit.
    """
    rows = evolution_rows([manifest.samples[index] for index in sorted(manifest.samples)])
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    law = spec.request.to_dict()["evolution"]
    places = [read_brightness(manifest.folder / sample_name(i) / "after.png") for i in sorted(manifest.samples)]
    return {
        "evolution.json": (
            json.dumps({"synthetic": EDITED, "evolution": law, "visits": rows}, indent=2) + "\n"
        ).encode(),
        "evolution.csv": text.getvalue().encode(),
        "evolution.png": png_bytes(np.concatenate(places, axis=1), description=EDITED),
    }
