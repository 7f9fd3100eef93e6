"""Intervals as inline SVG: rows of points with their bounds, series told apart by shape as well as by colour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

__all__ = ["interval_plot"]

_WIDTH, _LABEL, _RIGHT, _TOP, _ROW, _STEP = 720, 250, 24, 56, 22, 12
_COLOURS = ("#0b4f9c", "#9a4a00", "#2f6b2f")
_Row = tuple[str, Sequence[Mapping[str, Any] | None]]


def interval_plot(
    name: str, title: str, series: Sequence[str], rows: Sequence[_Row], *, line_at: float | None = None, unit: str = ""
) -> str:
    """Figures with their intervals, a row each, all on one axis.

    Parameters
    ----------
    name : str
        Of the element, by which the page refers to it.
    title : str
        Sentence that says what is seen.
    series : sequence of str
        What the points of a row are, three at most.
    rows : sequence of (str, sequence of mapping or None)
        Label, and for each of `series` ``value`` or ``mean``, ``low``, ``high``.
    line_at : float, optional
        Where a line is drawn, such as 1 for a ratio.
    unit : str
        Of the axis.

    Returns
    -------
    str
        ``<svg>`` element; empty where no row has a figure.
    """
    kept = [(label, figures) for label, figures in rows if any(figures)]
    if not kept:
        return ""
    ends = [v for _, figures in kept for f in figures if f for v in _bounds(f)] + ([] if line_at is None else [line_at])
    ticks = _ticks(min(ends), max(ends))
    low, high = ticks[0], ticks[-1]
    rows_px = [_ROW + _STEP * (len(series) - 1) for _ in kept]
    height = _TOP + sum(rows_px) + 44

    def x(value: float) -> float:
        return _LABEL + (value - low) / (high - low) * (_WIDTH - _LABEL - _RIGHT)

    parts = [f'<title id="{name}-title">{escape(title)}</title>']
    parts.append(f'<text x="0" y="14" font-weight="600">{escape(title)}</text>')
    bottom = _TOP + sum(rows_px)
    for tick in ticks:
        parts.append(f'<path d="M{x(tick):.1f} {_TOP}V{bottom}" stroke="#d0d4da"/>')
        parts.append(f'<text x="{x(tick):.1f}" y="{bottom + 16}" text-anchor="middle">{tick:g}</text>')
    if line_at is not None:
        parts.append(f'<path d="M{x(line_at):.1f} {_TOP}V{bottom}" stroke="#333" stroke-dasharray="4 3"/>')
    top = float(_TOP)
    for (label, figures), row_px in zip(kept, rows_px, strict=True):
        parts.append(f'<text x="{_LABEL - 10}" y="{top + row_px / 2 + 4:.1f}" text-anchor="end">{escape(label)}</text>')
        for i, figure in enumerate(figures):
            if figure:
                parts.append(_point(figure, x, top + _ROW / 2 + _STEP * i, i))
        top += row_px
    for i, word in enumerate(series):
        left = _LABEL + 150 * i
        parts.append(f'{_shape(left + 6, 34, i)}<text x="{left + 16}" y="38">{escape(word)}</text>')
    if unit:
        parts.append(f'<text x="{_WIDTH - _RIGHT}" y="{bottom + 34}" text-anchor="end">{escape(unit)}</text>')
    return (
        f'<svg role="img" aria-labelledby="{name}-title" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" '
        f'height="{height}" font-size="12" fill="#1a1a1a">{"".join(parts)}</svg>'
    )


def _point(figure: Mapping[str, Any], x: Any, y: float, i: int) -> str:
    values = _bounds(figure)
    middle = _value(figure)
    bar = f'<path d="M{x(min(values)):.1f} {y:.1f}H{x(max(values)):.1f}" stroke="{_COLOURS[i]}" stroke-width="2"/>'
    return bar + _shape(x(middle), y, i)


def _shape(x: float, y: float, i: int) -> str:
    if i == 0:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{_COLOURS[0]}"/>'
    if i == 1:
        place = f'x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8"'
        return f'<rect {place} fill="#fff" stroke="{_COLOURS[1]}" stroke-width="2"/>'
    return f'<path d="M{x:.1f} {y - 5:.1f}l5 9h-10z" fill="{_COLOURS[2]}"/>'


def _value(figure: Mapping[str, Any]) -> float:
    return float(figure["value"] if "value" in figure else figure["mean"])


def _bounds(figure: Mapping[str, Any]) -> list[float]:
    return [_value(figure), *(float(figure[key]) for key in ("low", "high") if figure[key] is not None)]


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers that enclose both, 4 to 9 of them."""
    span = max(high - low, 1e-6)
    power = 10.0 ** np.floor(np.log10(span))
    step = next(s * power for s in (0.1, 0.2, 0.5, 1, 2) if span / (s * power) <= 6)
    first, last = int(np.floor(low / step + 1e-9)), int(np.ceil(high / step - 1e-9))
    return [round(i * step, 10) for i in range(first, max(last, first + 1) + 1)]
