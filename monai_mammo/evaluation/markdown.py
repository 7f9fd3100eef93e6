"""Tables of figures as markdown."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["table_of"]


def table_of(titles: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Table with a line of titles.

    Parameters
    ----------
    titles : sequence of str
    lines : sequence of sequence of str
        A cell for each title.

    Returns
    -------
    str
        Markdown, without a line end after the last line.
    """
    return "\n".join(f"| {' | '.join(line)} |" for line in (titles, ["---"] * len(titles), *lines))
