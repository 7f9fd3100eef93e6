"""Parts of a page: tables with captions and scopes, lights with words beside their sign, figures with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

__all__ = ["NONE", "figure_text", "light_html", "list_html", "table_html"]

NONE = "–"

_SIGNS = {
    "within limits": ("good", "●"),
    "unclear": ("unclear", "▲"),
    "outside limits": ("bad", "■"),
    "not measured": ("none", "○"),
}


def light_html(light: str) -> str:
    """A light: a sign whose form says the same as its colour, and the words.

    Parameters
    ----------
    light : str
        One of `Light`.

    Returns
    -------
    str
    """
    name, sign = _SIGNS[light]
    return f'<span class="light {name}"><span aria-hidden="true">{sign}</span> {escape(light)}</span>'


def figure_text(figure: Mapping[str, Any] | None, digits: int = 2, *, sign: str = "") -> str:
    """Figure with its interval, such as ``0.54 (0.45 to 0.68)``.

    Parameters
    ----------
    figure : mapping or None
        ``value`` or ``mean``, ``low``, ``high``.
    digits : int
        After the point.
    sign : str
        ``+`` shows the sign of positive values too.

    Returns
    -------
    str
    """
    value = None if not figure else figure.get("value", figure.get("mean"))
    if not figure or value is None:
        return NONE
    text = _number(value, digits, sign)
    if figure.get("low") is None or figure.get("high") is None:
        return f"{text} (no interval)"
    return f"{text} ({' to '.join(_number(figure[end], digits, sign) for end in ('low', 'high'))})"


def _number(value: float, digits: int, sign: str) -> str:
    """A number with no more digits than say something: whole from 100 on, three of them from 10,000 on; 0 is not -0."""
    if abs(value) >= 10_000:
        return f"{value:{sign}.3g}"
    return f"{value:{sign}z.{digits if abs(value) < 100 else 0}f}"


def table_html(
    caption: str,
    titles: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    is_html: Sequence[int] = (),
    about: str = "",
    groups: Mapping[int, tuple[str, str]] | None = None,
) -> str:
    """Table whose first column names the rows; on narrow screens it scrolls by itself, also by keyboard.

    Parameters
    ----------
    caption : str
        What the table shows.
    titles : sequence of str
        Of the columns.
    rows : sequence of sequence of str
        As long as `titles`.
    is_html : sequence of int
        Columns that hold HTML; all others are escaped.
    about : str
        Sentence below the table, which does not scroll with it.
    groups : mapping of int to tuple of str, optional
        Before which row a group begins: its name, by which the page refers to it, and its title as HTML.

    Returns
    -------
    str
    """
    head = "".join(f'<th scope="col">{escape(title)}</th>' for title in titles)
    lines = []
    for place, row in enumerate(rows):
        if groups and place in groups:
            name, title = groups[place]
            start = "</tbody><tbody>" if place else ""
            lines.append(
                f'{start}<tr class="group" id="{escape(name, quote=True)}">'
                f'<th scope="rowgroup" colspan="{len(titles)}">{title}</th></tr>'
            )
        parts = [value if i in is_html else escape(value) for i, value in enumerate(row)]
        first, *rest = parts
        lines.append(f'<tr><th scope="row">{first}</th>{"".join(f"<td>{part}</td>" for part in rest)}</tr>')
    words = f'<p class="about">{escape(about)}</p>' if about else ""
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(caption, quote=True)}"><table>'
        f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(lines)}</tbody></table></div>{words}"
    )


def list_html(words: Sequence[str]) -> str:
    """List of sentences.

    Parameters
    ----------
    words : sequence of str

    Returns
    -------
    str
        Empty where there are none.
    """
    return f"<ul>{''.join(f'<li>{escape(word)}</li>' for word in words)}</ul>" if words else ""
