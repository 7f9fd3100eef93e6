"""Support counts and measured figures, put into a bundle by program, never by hand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from monai_mammo.bundle.bundle_folder import BundleFolder, seal
from monai_mammo.bundle.support import support_rows
from monai_mammo.errors import MammoError
from monai_mammo.files.bounded import read_text
from monai_mammo.files.whole import save_text

__all__ = ["write_metrics", "write_support"]

_MAX_CARD_BYTES = 16 * 2**20

_CARD = "docs/README.md"
_BEGIN, _END = "<!-- figures:support -->", "<!-- /figures:support -->"
_HEAD = ("kind", "density", "view", "finding", "images", "persons")


def write_support(folder: BundleFolder | Path | str, items: Iterable[Mapping[str, Any]]) -> BundleFolder:
    """Put the counts of training images and persons into the metadata and, without BI-RADS, into the model card.

    Parameters
    ----------
    folder : BundleFolder, Path or str
    items : iterable of mappings
        Training items of a prepared datalist.

    Returns
    -------
    BundleFolder
        The bundle with its new metadata.

    Raises
    ------
    MammoError
        An item names no person, or the card has no single place between ``<!-- figures:support -->`` and
        ``<!-- /figures:support -->``.
    """
    items = list(items)
    table = support_rows(items)
    root = BundleFolder.of(folder).root
    path = root / _CARD
    text = read_text(path, max_bytes=_MAX_CARD_BYTES) if path.is_file() else ""
    pattern = re.compile(f"({_BEGIN}\n).*?({_END})", re.DOTALL)
    if len(pattern.findall(text)) != 1:
        raise MammoError(f"model card {path} must hold {_BEGIN} and {_END} once")
    lines = "".join(f"| {' | '.join(row)} |\n" for row in (_HEAD, ["---"] * len(_HEAD), *_counts(items)))
    save_text(pattern.sub(lambda match: match[1] + lines + match[2], text), path)
    return seal(folder, support=table.to_dict())


def write_metrics(folder: BundleFolder | Path | str, *figures: Mapping[str, Any]) -> BundleFolder:
    """Put the means of measured figures under ``eval_metrics`` of the metadata.

    Parameters
    ----------
    folder : BundleFolder, Path or str
    *figures : mapping
        As ``monai-mammo evaluate`` writes them: ``rows``, each with names (texts) and figures (objects
        with ``mean``), or itself with a ``mean``. Their intervals stand in the model card.

    Returns
    -------
    BundleFolder
        The bundle with its new metadata; what stood under ``eval_metrics`` is gone.

    Raises
    ------
    MammoError
        There is no figure at all.
    """
    metrics: dict[str, float] = {}
    for table in figures:
        for row in table["rows"]:
            names = [value for value in row.values() if isinstance(value, str)]
            found = {key: value for key, value in row.items() if isinstance(value, Mapping) and "mean" in value}
            found |= {"": row} if "mean" in row else {}
            for key, figure in found.items():
                words = [str(table.get("name", "")), *names, key]
                metrics[" ".join(word for word in words if word)] = figure["mean"]
    if not metrics:
        raise MammoError("there is no measured figure to write")
    return seal(folder, eval_metrics=metrics)


def _counts(items: Sequence[Mapping[str, Any]]) -> Iterable[Sequence[str]]:
    without = [{**item, "conditions": {**item["conditions"], "birads": None}} for item in items]
    for row in support_rows(without).rows:
        names = (row.conditions.kind, row.conditions.density, row.conditions.view, row.conditions.finding)
        yield (*(str(name or "unknown") for name in names), str(row.n_images), str(row.n_persons))
