"""Support counts, written into a bundle's metadata and model card by program, never by hand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from monai_mammo.bundle.folder import BundleFolder, seal, write_text
from monai_mammo.bundle.support import support_rows
from monai_mammo.errors import MammoError

__all__ = ["write_support"]

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
    root = folder.root if isinstance(folder, BundleFolder) else Path(folder).resolve()
    path = root / _CARD
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    pattern = re.compile(f"({_BEGIN}\n).*?({_END})", re.DOTALL)
    if len(pattern.findall(text)) != 1:
        raise MammoError(f"model card {path} must hold {_BEGIN} and {_END} once")
    lines = "".join(f"| {' | '.join(cells)} |\n" for cells in (_HEAD, ["---"] * len(_HEAD), *_counts(items)))
    write_text(path, pattern.sub(lambda match: match[1] + lines + match[2], text))
    return seal(folder, support=table.to_dict())


def _counts(items: Sequence[Mapping[str, Any]]) -> Iterable[Sequence[str]]:
    without = [{**item, "conditions": {**item["conditions"], "birads": None}} for item in items]
    for row in support_rows(without).rows:
        names = (row.conditions.kind, row.conditions.density, row.conditions.view, row.conditions.finding)
        yield (*(str(name or "unknown") for name in names), str(row.n_images), str(row.n_persons))
