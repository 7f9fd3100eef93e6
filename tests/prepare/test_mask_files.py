"""Which of two files is the mask, and how it comes to the grid of its picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from monai_mammo.dicom import Failed, SkipReason
from monai_mammo.prepare.mask_files import FoundMask, MaskFault, MaskFiles, find_mask
from monai_mammo.study import StoredImage

MASK, CROP = Path("a.dcm"), Path("b.dcm")


def disc(shape: tuple[int, int]) -> np.ndarray:
    """Off the middle in both directions, so that no flip and no transposition goes unseen."""
    rows, columns = (np.arange(size) + 0.5 for size in shape)
    return (rows[:, None] / shape[0] - 0.3) ** 2 + (columns[None] / shape[1] - 0.6) ** 2 < 0.02


def grey(shape: tuple[int, int] = (40, 30)) -> np.ndarray:
    return np.random.default_rng(0).random(shape)


def reader(**pixels: np.ndarray | None) -> Callable[[Path], StoredImage | Failed]:
    def read(path: Path) -> StoredImage | Failed:
        found = pixels[path.stem]
        if found is None:
            return Failed(path, SkipReason.DAMAGED, "damaged")
        values = np.rint(found * 65535).astype(np.uint16)
        return StoredImage(pixels=values, brightness_table=np.linspace(0, 1, 65536, dtype=np.float32))

    return read


def found(shape: tuple[int, int], stated: Path | None = MASK, **pixels: np.ndarray | None) -> FoundMask:
    files = tuple(Path(f"{name}.dcm") for name in pixels)
    return find_mask(MaskFiles(annotation=0, files=files, stated=stated), shape, read=reader(**pixels))


@pytest.mark.parametrize("value", [1.0, 1 / 255, 0.5])
def test_the_file_with_two_values_is_the_mask(value: float):
    mask = disc((200, 100))
    result = found((200, 100), a=mask * value, b=grey())
    assert np.array_equal(result.mask, mask) and result.faults == {} and result.notes == ()


@pytest.mark.parametrize(("stated", "faults"), [(MASK, [MaskFault.SWAPPED]), (CROP, []), (None, [])])
def test_a_swap_is_told_where_the_table_says_which_is_which(stated: Path | None, faults: list[MaskFault]):
    result = found((200, 100), stated, a=grey(), b=disc((200, 100)))
    assert list(result.faults) == faults and np.array_equal(result.mask, disc((200, 100)))


def test_a_mask_of_another_scanners_pitch_is_resized_onto_its_place():
    """Sizes of a published pair: both axes by 50 / 43.5."""
    result = found((5041, 2056), a=disc((4386, 1789)), b=grey())
    expected = disc((5041, 2056))
    assert list(result.faults) == [MaskFault.RESIZED] and result.mask.shape == (5041, 2056)
    assert (result.mask & expected).sum() / (result.mask | expected).sum() > 0.998
    assert "mask 4386 x 1789, picture 5041 x 2056" in result.notes[0] and result.notes[0].startswith("mask_resized: ")


@pytest.mark.parametrize(
    ("mask", "picture"),
    [
        ((4688, 3088), (4624, 3056)),  # a published pair: 0.33 % apart
        ((213, 100), (200, 100)),
        ((200, 113), (200, 100)),
        ((100, 200), (200, 100)),
    ],
)
def test_axes_are_never_stretched_apart(mask: tuple[int, int], picture: tuple[int, int]):
    result = found(picture, a=disc(mask), b=grey())
    assert result.mask is None and list(result.faults) == [MaskFault.MISFIT]


@pytest.mark.parametrize(
    ("pixels", "fault"),
    [
        ({"a": grey(), "b": grey()}, MaskFault.UNDECIDABLE),
        ({"a": disc((200, 100)), "b": disc((40, 30))}, MaskFault.UNDECIDABLE),
        ({"a": np.zeros((200, 100)), "b": grey()}, MaskFault.EMPTY),
        ({"a": None, "b": grey()}, MaskFault.UNREADABLE),
        ({"b": grey()}, MaskFault.UNDECIDABLE),
        ({}, MaskFault.MISSING),
    ],
)
def test_no_mask_is_better_than_a_guess(pixels: dict, fault: MaskFault):
    result = found((200, 100), **pixels)
    assert result.mask is None and list(result.faults) == [fault]


def test_a_damaged_crop_does_not_cost_the_mask():
    assert found((200, 100), a=disc((200, 100)), b=None).mask is not None


@pytest.mark.parametrize("quality", [60, 90])
def test_edges_smeared_by_jpeg_are_no_grey(tmp_path: Path, quality: int):
    mask = disc((400, 200))
    Image.fromarray(mask.astype(np.uint8) * np.uint8(255)).save(tmp_path / "m.jpg", quality=quality)
    Image.fromarray((grey((80, 60)) * 255).astype(np.uint8)).save(tmp_path / "c.jpg", quality=quality)
    files = MaskFiles(annotation=0, files=(tmp_path / "c.jpg", tmp_path / "m.jpg"))
    result = find_mask(files, (400, 200))
    assert not result.faults and (result.mask != mask).mean() < 0.002


def test_the_fingerprint_follows_the_bytes(tmp_path: Path):
    path = tmp_path / "m.dcm"
    path.write_bytes(b"one")
    files = MaskFiles(annotation=0, files=(path,))
    before = files.fingerprint()
    path.write_bytes(b"two")
    assert files.fingerprint() != before
