"""A reader study on paper: pairs of which one is synthetic, to be printed, and the answers apart from them."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Sequence
from html import escape

import numpy as np

from monai_mammo.errors import RequestError
from monai_mammo.files.png import png_bytes

__all__ = ["printed_sheet"]

_STYLE = """
@page { size: A4; margin: 12mm }
body { font: 10pt sans-serif; color: #000; background: #fff }
.pairs { display: grid; grid-template-columns: 1fr 1fr; gap: 4mm 8mm }
.pair { break-inside: avoid; border-top: 0.2mm solid #888; padding-top: 2mm }
.pair div { display: flex; gap: 3mm }
.pair figure { margin: 0; flex: 1 }
.pair img { width: 100%; background: #000 }
.pair figcaption { text-align: center }
h1 { font-size: 13pt } p { margin: 1mm 0 }
"""
_WORDS = "Image of a reader study, acquired or synthetic; not for diagnosis"
_TASK = (
    "In each pair one picture is an acquired mammogram as it is, and in the other a part was drawn by a computer. "
    "Tick the one that was drawn; guess where you are not sure."
)


def printed_sheet(pairs: Sequence[tuple[np.ndarray, np.ndarray]], *, title: str, seed: int) -> tuple[str, str]:
    """A page to be printed, and its answers.

    Parameters
    ----------
    pairs : sequence of (ndarray, ndarray), each of shape (rows, columns), float32
        Acquired and synthetic picture in [0, 1]; one or more.
    title : str
        Names the study on both.
    seed : int
        Decides the order of the pairs and the sides.

    Returns
    -------
    page : str
        HTML that loads nothing from elsewhere; it does not tell which picture is which.
    answers : str
        CSV of pair and side, ``left`` or ``right``, of the synthetic picture.

    Raises
    ------
    RequestError
        There is no pair.
    """
    if not pairs:
        raise RequestError("a reader's sheet needs one pair of pictures of a kind at least, and there is none")
    rng = np.random.default_rng([seed, len(pairs)])
    order, is_left = rng.permutation(len(pairs)), rng.permutation(np.arange(len(pairs)) % 2 == 0)
    figures, answers = [], io.StringIO()
    table = csv.writer(answers, lineterminator="\n")
    table.writerow(["sheet", "pair", "synthetic"])
    for number, (i, synthetic_first) in enumerate(zip(order, is_left, strict=True), start=1):
        acquired, synthetic = pairs[i]
        sides = (synthetic, acquired) if synthetic_first else (acquired, synthetic)
        figures.append(_pair(number, *sides))
        table.writerow([title, number, "left" if synthetic_first else "right"])
    name = escape(title)
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'\">"
        f"<title>Reader sheet {name}</title><style>{_STYLE}</style></head>\n<body><h1>Reader sheet: {name}</h1>"
        f"<p>{_TASK} Not for diagnosis.</p><p>Reader: ____________________ Date: ____________ "
        f'Years with mammograms: ____</p>\n<div class="pairs">{"".join(figures)}</div></body></html>\n'
    )
    return page, answers.getvalue()


def _pair(number: int, left: np.ndarray, right: np.ndarray) -> str:
    pictures = ""
    for side, image in (("left", left), ("right", right)):
        data = base64.b64encode(png_bytes(image, description=_WORDS)).decode()
        pictures += (
            f'<figure><img alt="{side} picture of pair {number}" src="data:image/png;base64,{data}">'
            f"<figcaption>&#9744; {side}</figcaption></figure>"
        )
    return f'<section class="pair"><p>{number}</p><div>{pictures}</div></section>\n'
