"""Which pixels of a picture are the mask that it shows: one rule for the ways in which masks are drawn."""

from __future__ import annotations

import numpy as np
from PIL import Image

from monai_mammo.files.bounded import FileFault, UnreadableFile
from monai_mammo.files.picture import decoded

__all__ = ["mask_of_picture"]

_MOST_LABELS = 32
_MOST_STEPS = 8
_LOSSY = ("JPEG", "MPO")
_MIDDLE, _MIDDLE_SHARE = (32 / 255, 223 / 255), 0.05


def mask_of_picture(picture: Image.Image, *, name: str = "the mask") -> np.ndarray:
    """Mask that a picture shows; nothing and everything are allowed here.

    In this order: transparency, where it varies, is laid over black, and is the mask itself where all colours are one;
    a coloured picture counts by its brightest channel, so that red on black is white on black; of two values the
    higher is the mask, whether 0 and 1, 0 and 255 or 7 and 9; one value is all or nothing, and 0 is nothing; of several
    values all below 32, and of a palette with a black background, everything above 0 is mask, as numbered lesions are
    drawn; else what is above half brightness, as edges are softened. Lossy pictures count by half brightness alone.

    Parameters
    ----------
    picture : Image
        From `monai_mammo.files.picture.open_picture`.
    name : str
        For messages.

    Returns
    -------
    ndarray, shape (rows, columns), bool

    Raises
    ------
    UnreadableFile
        The picture is damaged, or grey or coloured all over, as a mammogram or a drawing on one is.
    """
    if picture.mode == "1":
        return decoded(picture, name=name).astype(bool)
    has_palette = picture.mode in ("P", "PA")
    values, top = _one_channel(picture, name)
    if picture.format in _LOSSY:
        return _above_half(values, top, name)
    found = np.unique(values)
    if len(found) == 1:
        return values > 0
    if len(found) == 2:
        return values == found[1]
    if found[-1] < _MOST_LABELS or (has_palette and found[0] == 0 and not _is_grey(picture)):
        return values > 0
    return _above_half(values, top, name)


def _one_channel(picture: Image.Image, name: str) -> tuple[np.ndarray, int]:
    """Values that stand for the mask, shape (rows, columns), and the largest that is possible."""
    if (picture.mode == "L" or picture.mode.startswith("I")) and "transparency" not in picture.info:
        values = decoded(picture, name=name)
        return values, 255 if int(values.max()) <= 255 else 65535
    pixels = decoded(picture, mode="RGBA", name=name)
    colours, alpha = pixels[..., :3], pixels[..., 3]
    if alpha.min() == alpha.max():
        return colours.max(axis=2), 255
    if (colours == colours[:1, :1]).all():
        return alpha, 255
    return (colours.max(axis=2).astype(np.uint16) * alpha // 255).astype(np.uint8), 255


def _above_half(values: np.ndarray, top: int, name: str) -> np.ndarray:
    """Values above half the largest that is possible, of a picture that is nearly all dark and bright."""
    brightness = values / top
    is_middle = (brightness >= _MIDDLE[0]) & (brightness <= _MIDDLE[1])
    is_bright = brightness > _MIDDLE[1]
    is_wide = is_middle.mean() > _MIDDLE_SHARE or len(np.unique(values)) <= _MOST_STEPS  # else it is a soft edge
    if is_wide and is_middle.sum() > is_bright.sum():
        raise UnreadableFile(FileFault.DAMAGED, f"{name} shows a grey picture, not a mask")
    return brightness > 0.5


def _is_grey(picture: Image.Image) -> bool:
    colours = np.asarray(picture.convert("RGB"))
    return bool((colours[..., 0] == colours[..., 1]).all() and (colours[..., 0] == colours[..., 2]).all())
