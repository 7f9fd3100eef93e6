"""Tables of figures as markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["NONE", "count_words", "figure_words", "table_of", "table_under"]

NONE = "–"
"""What stands for a figure that there is not."""


def figure_words(
    figure: Mapping[str, Any] | None, digits: int = 2, *, sign: str = "", are_bounds_signed: bool = False
) -> str:
    """Figure with its interval, where it has one.

    Parameters
    ----------
    figure : mapping or None
        With ``value`` or ``mean``, and ``low`` and ``high``, which may be `None`.
    digits : int
        After the point.
    sign : str
        ``+`` shows that of a positive value.
    are_bounds_signed : bool
        Whether those of the interval are shown so too.

    Returns
    -------
    str
    """
    if not figure:
        return NONE
    text = f"{figure['value'] if 'value' in figure else figure['mean']:{sign}.{digits}f}"
    if figure["low"] is None:
        return text
    of_bounds = sign if are_bounds_signed else ""
    return f"{text} ({figure['low']:{of_bounds}.{digits}f} to {figure['high']:{of_bounds}.{digits}f})"


def count_words(figure: Mapping[str, Any] | None) -> str:
    """Number of images that a figure rests on.

    Parameters
    ----------
    figure : mapping or None
        With ``n``.

    Returns
    -------
    str
    """
    return NONE if not figure else str(figure["n"])


def table_of(titles: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Table with a line of titles.

    Parameters
    ----------
    titles : sequence of str
    lines : sequence of sequence of str
        A word for each title.

    Returns
    -------
    str
        Markdown, without a line end after the last line.
    """
    return "\n".join(f"| {' | '.join(line)} |" for line in (titles, ["---"] * len(titles), *lines))


def table_under(head: str, titles: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Sentences, and a table below them.

    Parameters
    ----------
    head : str
        Sentences that stand above the table.
    titles : sequence of str
    lines : sequence of sequence of str
        A word for each title.

    Returns
    -------
    str
        Markdown.
    """
    return f"{head}\n\n{table_of(titles, lines)}\n"
