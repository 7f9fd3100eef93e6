"""One picture of a run: every sample small, with the requested and the found lesion outlined."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from monai_mammo.conditions import Box, Conditions
from monai_mammo.files.picture import read_brightness
from monai_mammo.files.png import png_bytes
from monai_mammo.generation.runs.manifest import Manifest, is_passed, sample_name
from monai_mammo.prepare.geometry import mask_of_box

__all__ = ["CONTACT_SHEET", "MAX_TILES", "Tile", "contact_sheet", "contact_sheet_png"]

CONTACT_SHEET = "contact_sheet.png"

MAX_TILES = 64
"""Samples on a sheet, the first of a run."""

_REQUESTED = (255, 200, 0)
_FOUND = (0, 200, 255)
_BACKGROUND = 24
_CAPTION_PX = 40


class Tile(NamedTuple):
    """One sample: picture in [0, 1], masks or `None`, and up to three lines of words.

    Attributes
    ----------
    image : ndarray, shape (rows, columns)
        Brightness in [0, 1].
    requested : ndarray, shape (rows, columns), bool, or None
        Lesion that was asked for.
    found : ndarray, shape (rows, columns), bool, or None
        Lesion that the lesion network found.
    caption : str
        Up to three lines.
    """

    image: np.ndarray
    requested: np.ndarray | None
    found: np.ndarray | None
    caption: str


def contact_sheet_png(tiles: Sequence[Tile], *, title: str) -> bytes:
    """PNG with samples side by side: each picture plain, then with outlines where there is one.

    Parameters
    ----------
    tiles : sequence of Tile
        Of one size; the first `MAX_TILES` are drawn.
    title : str
        Line above all; says that the pictures are synthetic.

    Returns
    -------
    bytes
    """
    from PIL import Image, ImageDraw

    tiles = tiles[:MAX_TILES]
    rows, columns = tiles[0].image.shape
    width, height = 2 * columns + 6, rows + _CAPTION_PX
    across = max(1, min(len(tiles), round(math.sqrt(len(tiles) * height / width))))
    down = math.ceil(len(tiles) / across)
    sheet = np.full((20 + down * (height + 6), max(across * (width + 6), 620), 3), _BACKGROUND, dtype=np.uint8)
    places = [(20 + (i // across) * (height + 6), (i % across) * (width + 6)) for i in range(len(tiles))]
    for tile, (top, left) in zip(tiles, places, strict=True):
        plain = _colored(tile.image)
        sheet[top : top + rows, left : left + columns] = plain
        sheet[top : top + rows, left + columns : left + 2 * columns] = _outlined(plain, tile)
    picture = Image.fromarray(sheet)
    draw = ImageDraw.Draw(picture)
    draw.text((4, 4), title, fill=(255, 255, 255))
    for tile, (top, left) in zip(tiles, places, strict=True):
        draw.multiline_text((left + 2, top + rows + 1), tile.caption, fill=(220, 220, 220), spacing=1)
    return png_bytes(np.asarray(picture))


def contact_sheet(manifest: Manifest) -> bytes:
    """Contact sheet of a run, from the files that its manifest states.

    Parameters
    ----------
    manifest : Manifest

    Returns
    -------
    bytes
        PNG.
    """
    entries = [manifest.samples[index] for index in sorted(manifest.samples)[:MAX_TILES]]
    tiles = [_tile(manifest.folder / sample_name(entry["index"]), entry) for entry in entries]
    seed = manifest.head["request"]["seed"]
    n_all, n_passed = len(manifest.samples), sum(map(is_passed, manifest.samples.values()))
    shown = f" The first {len(tiles)} of {n_all} samples." if len(tiles) < n_all else ""
    title = (
        f"SYNTHETIC, not for diagnosis. Seed {seed}. Yellow: requested lesion, blue: found. "
        f"{n_passed} of {n_all} passed.{shown}"
    )
    return contact_sheet_png(tiles, title=title)


def _colored(image: np.ndarray) -> np.ndarray:
    grey = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def _outlined(plain: np.ndarray, tile: Tile) -> np.ndarray:
    out = plain.copy()
    for mask, color in ((tile.requested, _REQUESTED), (tile.found, _FOUND)):
        if mask is not None:
            out[_edge(mask)] = color
    return out


def _edge(mask: np.ndarray) -> np.ndarray:
    """Pixels just outside a mask."""
    padded = np.pad(mask, 1)
    grown = padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:]
    return grown & ~mask


def _tile(folder: Path, entry: Mapping[str, Any]) -> Tile:
    image, requested = (read_brightness(folder / name) for name in ("mammogram.png", "lesion.png"))
    shown = Conditions.from_dict(entry["conditions"])
    words = [shown.kind, shown.laterality, shown.view, shown.density and f"density {shown.density}", shown.finding]
    words.append(None if shown.birads is None else f"BI-RADS {shown.birads}")
    agreement = entry["found"]["dice"]
    drawn = sum(not one.get("mended") for one in entry["tries"])
    mended = ", mended" if entry["tries"][entry["kept_try"]].get("mended") else ""
    second = f"{entry['id']}  {'' if agreement is None else f'Dice {agreement:.2f}'}  tries {drawn}{mended}"
    second += "  passed" if is_passed(entry) else f"\nNOT PASSED: {entry['outcome']}"
    unsupported = "  UNSUPPORTED" if any(w.startswith("UNSUPPORTED") for w in entry["warnings"]) else ""
    caption = " ".join(str(w) for w in words if w) + f"\n{second}{unsupported}"
    return Tile(image, requested > 0.5, _found_mask(folder, entry, image.shape), caption)


def _found_mask(folder: Path, entry: Mapping[str, Any], shape: tuple[int, ...]) -> np.ndarray | None:
    """What was found: the outline where it was written, else its box."""
    if "lesion.seg.dcm" in entry["files"]:
        from monai_mammo.dicom import read_segmentation

        return read_segmentation(folder / "lesion.seg.dcm")["found"]
    box = entry["found"]["box"]
    return None if box is None else mask_of_box(Box(*box), (shape[0], shape[1])) > 0.5
