"""Figures put into model cards, so that a card never says what no command has measured."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monai_mammo.errors import RequestError
from monai_mammo.evaluation.tables import markdown_table
from monai_mammo.files.bounded import UnreadableFile, read_text
from monai_mammo.files.whole import save_bytes

__all__ = ["fill_card"]

_MAX_BYTES = 16 * 2**20
_PLACE = r"(<!-- figures:{name} -->).*?(<!-- /figures:{name} -->)"
_ANY = re.compile(r"<!-- figures:([\w-]+) -->")


def fill_card(card_path: str | Path, figures: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> list[str]:
    """Replace what stands between a card's markers by tables of figures.

    A place for figures begins with ``<!-- figures:NAME -->`` and ends with ``<!-- /figures:NAME -->``;
    NAME is the ``name`` of the figures. All else in the card stays as it is.

    Parameters
    ----------
    card_path : str or Path
        Markdown file, such as ``docs/README.md`` of a bundle.
    figures : mapping or sequence of mappings
        As the commands of this room write them.

    Returns
    -------
    list of str
        Names that were filled in.

    Raises
    ------
    RequestError
        The card is not there, or has no place, or more than one, for a name.
    """
    path = Path(card_path)
    many = [figures] if isinstance(figures, Mapping) else list(figures)
    try:
        text = read_text(path, max_bytes=_MAX_BYTES)
    except UnreadableFile as error:
        raise RequestError(f"model card {error.detail}") from None
    for one in many:
        text = _filled(text, str(one["name"]), _table(one), path)
    save_bytes(text.encode(), path)
    return [str(one["name"]) for one in many]


def _table(figures: Mapping[str, Any]) -> str:
    try:
        return markdown_table(figures)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError):  # figures of any JSON shape
        name = str(figures["name"])[:80]
        raise RequestError(f"figures {name!r} are not as `evaluate` writes them: a row lacks what is shown") from None


def _filled(text: str, name: str, table: str, path: Path) -> str:
    pattern = re.compile(_PLACE.format(name=re.escape(name)), re.DOTALL)
    if len(pattern.findall(text)) != 1:
        known = ", ".join(_ANY.findall(text)) or "no figures at all"
        raise RequestError(f"model card {path} has no single place for figures {name!r}: it has places for {known}")
    return pattern.sub(lambda match: f"{match[1]}\n{table}{match[2]}", text)
