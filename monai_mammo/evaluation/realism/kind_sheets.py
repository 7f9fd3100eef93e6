"""Acquired beside generated images, for the eye: many at 1:1, and pairs at 3:1."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from monai_mammo.evaluation.realism.image_set import ImageSet
from monai_mammo.evaluation.stated import kind_groups
from monai_mammo.files import save_bytes
from monai_mammo.files.png import png_bytes

__all__ = ["kind_sheet", "pair_sheet", "paired", "write_sheets"]

N_ROWS, N_COLUMNS, N_PAIRS = 8, 8, 10
"""Rows and columns of a sheet at 1:1, half of the columns acquired, and number of pairs at 3:1."""

_ENLARGED = 3
_GAP_PX, _TITLE_PX = 4, 20
_BACKGROUND = 24
_TITLE = "Left: acquired. Right: SYNTHETIC, not for diagnosis. Chest wall left. {what}, {scale}:1."


def write_sheets(synthetic: ImageSet, acquired: ImageSet, *, out: str | Path, seed: int = 0) -> list[Path]:
    """Write a sheet of 8 x 8 images of each kind at 1:1, and ten pairs at 3:1, the kinds in turn.

    Parameters
    ----------
    synthetic, acquired : ImageSet
        Of one size.
    out : str or Path
        Folder that is there.
    seed : int
        Chooses the images.

    Returns
    -------
    list of Path
        ``sheet_KIND.png`` and ``pair_NN_KIND.png``.
    """
    groups = {kind: rows for kind, rows in kind_groups(synthetic.kinds).items() if kind != "all"}
    if None in synthetic.kinds:
        groups["all"] = [i for i, kind in enumerate(synthetic.kinds) if kind is None]
    written, pairs_of = [], {}
    rng = np.random.default_rng(seed)
    for kind, rows in groups.items():
        shown = [rows[i] for i in rng.permutation(len(rows))[: N_ROWS * N_COLUMNS // 2]]
        pairs_of[kind] = [(synthetic.images[i], acquired.images[j]) for i, j in paired(synthetic, acquired, shown)]
        path = Path(out) / f"sheet_{kind}.png"
        save_bytes(kind_sheet(pairs_of[kind], what=kind), path)
        written.append(path)
    turns = [(kind, n) for n in range(N_PAIRS) for kind in pairs_of if n < len(pairs_of[kind])][:N_PAIRS]
    for number, (kind, n) in enumerate(turns):
        path = Path(out) / f"pair_{number:02d}_{kind}.png"
        save_bytes(pair_sheet(*pairs_of[kind][n], what=kind), path)
        written.append(path)
    return written


def paired(synthetic: ImageSet, acquired: ImageSet, shown: Sequence[int]) -> list[tuple[int, int]]:
    """Generated images, each with an acquired one of its kind, and view where there is one; none is taken twice.

    Parameters
    ----------
    synthetic, acquired : ImageSet
    shown : sequence of int
        Positions of generated images.

    Returns
    -------
    list of (int, int)
        Positions in both sets, as far as the acquired images last.
    """
    free, out = set(range(len(acquired))), []
    for i in shown:
        of_kind = [j for j in sorted(free) if synthetic.kinds[i] in (None, acquired.kinds[j])]
        if of_kind:
            j = next((j for j in of_kind if acquired.views[j] == synthetic.views[i]), of_kind[0])
            free.discard(j)
            out.append((i, j))
    return out


def kind_sheet(pairs: Sequence[tuple[np.ndarray, np.ndarray]], *, what: str) -> bytes:
    """PNG of pairs at 1:1: acquired images in the left half of the columns, generated ones in the right half.

    Parameters
    ----------
    pairs : sequence of (ndarray, ndarray), each of shape (rows, columns)
        Generated and acquired image in [0, 1].
    what : str
        For the title.

    Returns
    -------
    bytes
    """
    n_across = N_COLUMNS // 2
    rows = [pairs[i : i + n_across] for i in range(0, min(len(pairs), N_ROWS * n_across), n_across)]
    left, right = (
        np.concatenate([_line([pair[side] for pair in row], n_across, pairs[0][0].shape) for row in rows])
        if rows
        else np.zeros((0, 0), np.uint8)
        for side in (1, 0)
    )
    gap = np.full((len(left), 3 * _GAP_PX), _BACKGROUND, dtype=np.uint8)
    return _png(np.concatenate([left, gap, right], axis=1), _TITLE.format(what=what, scale=1))


def pair_sheet(synthetic: np.ndarray, acquired: np.ndarray, *, what: str) -> bytes:
    """PNG of one pair at 3:1, each pixel a square, so that a pattern of the decoder is seen.

    Parameters
    ----------
    synthetic, acquired : ndarray, shape (rows, columns)
        In [0, 1].
    what : str
        For the title.

    Returns
    -------
    bytes
    """
    sides = [np.kron(_grey(image), np.ones((_ENLARGED, _ENLARGED), np.uint8)) for image in (acquired, synthetic)]
    gap = np.full((len(sides[0]), 3 * _GAP_PX), _BACKGROUND, dtype=np.uint8)
    return _png(np.concatenate([sides[0], gap, sides[1]], axis=1), _TITLE.format(what=what, scale=_ENLARGED))


def _line(images: Sequence[np.ndarray], n_across: int, shape: tuple[int, ...]) -> np.ndarray:
    rows, columns = shape
    line = np.full((rows + _GAP_PX, n_across * (columns + _GAP_PX)), _BACKGROUND, dtype=np.uint8)
    for i, image in enumerate(images):
        line[:rows, i * (columns + _GAP_PX) : i * (columns + _GAP_PX) + columns] = _grey(image)
    return line


def _grey(image: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)


def _png(body: np.ndarray, title: str) -> bytes:
    top = np.full((_TITLE_PX, body.shape[1]), _BACKGROUND, dtype=np.uint8)
    picture = Image.fromarray(np.concatenate([top, body]))
    ImageDraw.Draw(picture).text((4, 4), title, fill=255)
    return png_bytes(np.asarray(picture))
