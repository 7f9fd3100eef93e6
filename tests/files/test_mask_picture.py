"""The ways in which masks are drawn, and the mask that each shows."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from monai_mammo.files.bounded import UnreadableFile
from monai_mammo.files.mask_picture import mask_of_picture
from monai_mammo.files.picture import open_picture

FIXTURES = Path(__file__).parents[1] / "fixtures" / "masks"
MASK = np.zeros((60, 40), bool)
MASK[10:25, 5:17] = True
GREY = np.where(MASK, np.uint8(255), np.uint8(0))


def saved(image: Image.Image, kind: str = "PNG", **options) -> np.ndarray:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return mask_of_picture(open_picture(buffer.getvalue()))


def of_values(low: int, high: int, kind: type = np.uint8) -> Image.Image:
    return Image.fromarray(np.where(MASK, kind(high), kind(low)))


def of_colours(background: tuple[int, ...], lesion: tuple[int, ...]) -> Image.Image:
    return Image.fromarray(np.where(MASK[..., None], np.uint8(lesion), np.uint8(background)).astype(np.uint8))


def palette(*colours: tuple[int, int, int], values: np.ndarray | None = None) -> Image.Image:
    image = Image.fromarray(MASK.astype(np.uint8) if values is None else values, mode="P")
    image.putpalette([part for colour in colours for part in colour])
    return image


def labels(*numbers: int) -> np.ndarray:
    values = MASK.astype(np.uint8) * np.uint8(numbers[0])
    values[15:20] = np.where(MASK[15:20], numbers[1], 0)
    return values


WAYS: dict[str, Callable[[], Image.Image]] = {
    "one bit": lambda: Image.fromarray(MASK),
    "0 and 1": lambda: of_values(0, 1),
    "0 and 255": lambda: of_values(0, 255),
    "0 and 128": lambda: of_values(0, 128),
    "7 and 9": lambda: of_values(7, 9),
    "16 bits, 0 and 1": lambda: of_values(0, 1, np.uint16),
    "16 bits, 0 and 255": lambda: of_values(0, 255, np.uint16),
    "16 bits, 0 and 65535": lambda: of_values(0, 65535, np.uint16),
    "numbered lesions": lambda: Image.fromarray(labels(1, 2)),
    "red on black": lambda: of_colours((0, 0, 0), (255, 0, 0)),
    "dark blue on black": lambda: of_colours((0, 0, 0), (0, 0, 80)),
    "white on black in colour": lambda: of_colours((0, 0, 0), (255, 255, 255)),
    "0 and 1 in colour": lambda: of_colours((0, 0, 0), (1, 1, 1)),
    "palette, black and red": lambda: palette((0, 0, 0), (128, 0, 0)),
    "palette, 0 and 1": lambda: palette((0, 0, 0), (1, 1, 1)),
    "palette, violet and yellow": lambda: palette((68, 1, 84), (253, 231, 37)),
    "palette of three lesions": lambda: palette((0, 0, 0), (128, 0, 0), (0, 60, 0), values=labels(1, 2)),
    "alpha over white": lambda: of_colours((255, 255, 255, 0), (255, 255, 255, 255)),
    "alpha over black": lambda: of_colours((0, 0, 0, 0), (0, 0, 0, 255)),
    "red over nothing": lambda: of_colours((255, 255, 255, 0), (255, 0, 0, 200)),
    "opaque alpha": lambda: of_colours((0, 0, 0, 255), (255, 255, 255, 255)),
    "grey with alpha": lambda: Image.fromarray(GREY).convert("LA"),
    "0 and 1 with alpha": lambda: of_values(0, 1).convert("LA"),
    "transparent background": lambda: Image.merge("LA", (Image.new("L", (40, 60), 200), Image.fromarray(GREY))),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_every_way_of_drawing_gives_the_same_mask(way, kind):
    assert np.array_equal(saved(WAYS[way](), kind), MASK)


@pytest.mark.parametrize("quality", [60, 90, 100])
def test_what_compression_smears_counts_by_half(quality):
    found = saved(Image.fromarray(GREY), "JPEG", quality=quality)
    assert (found != MASK).mean() < 0.002
    assert not saved(of_values(0, 1), "JPEG").any()  # nothing is left of it to be told


def test_soft_edges_count_by_half():
    soft = Image.fromarray(GREY).filter(ImageFilter.GaussianBlur(1))
    assert np.array_equal(saved(soft), np.asarray(soft) > 127)
    assert (saved(soft) != MASK).mean() < 0.005


@pytest.mark.parametrize(("value", "is_mask"), [(0, False), (1, True), (255, True)], ids=["all 0", "all 1", "all 255"])
def test_one_value_is_nothing_or_everything(value, is_mask):
    assert (saved(Image.new("L", (8, 8), value)) == is_mask).all()


def test_a_mammogram_given_as_a_mask_is_refused():
    with pytest.raises(UnreadableFile, match="shows a grey picture, not a mask"):
        mask_of_picture(open_picture((FIXTURES / "zero_one.png").read_bytes()))


def test_a_drawing_on_a_mammogram_is_refused():
    picture = np.repeat(np.asarray(Image.open(FIXTURES / "zero_one.png"))[..., None], 3, axis=2).copy()
    picture[100:130, 40:70] = (255, 0, 0)
    with pytest.raises(UnreadableFile, match="shows a grey picture, not a mask"):
        saved(Image.fromarray(picture))


@pytest.mark.parametrize(("name", "n_pixels"), [("is1_m.png", 1050), ("red_on_black_m.png", 1050)])
def test_masks_that_came_out_empty(name, n_pixels):
    found = mask_of_picture(open_picture((FIXTURES / name).read_bytes()))
    stored = np.asarray(Image.open(FIXTURES / name))
    assert found.sum() == n_pixels
    assert np.array_equal(found, (stored if stored.ndim == 2 else stored[..., 0]) > 0)
