"""`Mammogram`, `Spacing`, `Study`: invalid ones do not exist, valid ones do not change."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from monai_mammo.conditions import Conditions
from monai_mammo.errors import MammoError
from monai_mammo.study import Mammogram, Spacing, StoredImage, Study
from monai_mammo.terms import ChestWall


def image(rows: int = 12, columns: int = 9) -> np.ndarray:
    return np.linspace(0, 1, rows * columns, dtype=np.float32).reshape(rows, columns)


class TestMammogram:
    def test_keeps_brightness_as_float32(self):
        mammogram = Mammogram(pixels=image().astype(np.float64))
        assert mammogram.pixels.dtype == np.float32
        assert mammogram.shape == (12, 9)
        np.testing.assert_array_equal(mammogram.pixels, image())

    def test_pixels_and_mask_are_read_only_copies(self):
        pixels, mask = image(), np.zeros((12, 9), np.uint8)
        mammogram = Mammogram(pixels=pixels, lesion_mask=mask)
        pixels[0, 0], mask[0, 0] = 0.5, 1
        assert mammogram.pixels[0, 0] == 0 and not mammogram.lesion_mask[0, 0]
        for array in (mammogram.pixels, mammogram.lesion_mask):
            with pytest.raises(ValueError, match="read-only"):
                array[0, 0] = 1

    def test_mask_is_boolean(self):
        mask = np.zeros((12, 9))
        mask[3, 4] = 255
        assert Mammogram(pixels=image(), lesion_mask=mask).lesion_mask.dtype == bool
        assert Mammogram(pixels=image(), lesion_mask=mask).lesion_mask.sum() == 1

    @pytest.mark.parametrize("shape", [(12,), (1, 12, 9), (7, 9), (12, 7), (0, 0)])
    def test_has_two_dimensions_of_some_size(self, shape):
        with pytest.raises(MammoError, match="two dimensions of 8 pixels or more"):
            Mammogram(pixels=np.zeros(shape))

    @pytest.mark.parametrize("value", [-0.01, 1.01, np.nan, np.inf, 255])
    def test_brightness_lies_in_the_unit_range(self, value):
        pixels = image()
        pixels[5, 5] = value
        with pytest.raises(MammoError, match="brightness"):
            Mammogram(pixels=pixels)

    def test_mask_lies_on_the_same_grid(self):
        with pytest.raises(MammoError, match=r"lesion mask \(9, 12\) and image \(12, 9\) do not fit"):
            Mammogram(pixels=image(), lesion_mask=np.zeros((9, 12)))

    def test_is_frozen(self):
        with pytest.raises(dataclasses.FrozenInstanceError):
            Mammogram(pixels=image()).pixels = image()

    def test_replace_checks_anew(self):
        mammogram = Mammogram(pixels=image(), person_id="p1")
        assert mammogram.replace(person_id="p2").person_id == "p2"
        assert mammogram.person_id == "p1"
        with pytest.raises(MammoError, match="brightness"):
            mammogram.replace(pixels=image() + 1)

    @pytest.mark.parametrize(
        ("laterality", "chest_wall", "expected", "is_mirrored"),
        [
            ("L", ChestWall.LEFT, ChestWall.LEFT, False),
            ("L", ChestWall.RIGHT, ChestWall.LEFT, True),
            ("R", ChestWall.RIGHT, ChestWall.RIGHT, False),
            ("R", ChestWall.LEFT, ChestWall.RIGHT, True),
            ("L", None, ChestWall.LEFT, False),
            (None, ChestWall.RIGHT, None, False),
        ],
    )
    def test_hangs_mirrored_where_pixels_contradict_the_label(self, laterality, chest_wall, expected, is_mirrored):
        mammogram = Mammogram(pixels=image(), conditions=Conditions(laterality=laterality), chest_wall=chest_wall)
        assert mammogram.expected_chest_wall is expected
        assert mammogram.is_mirrored is is_mirrored


class TestSpacing:
    def test_tells_rows_from_columns_and_its_source(self):
        spacing = Spacing(0.1, 0.2, "imager")
        assert (spacing.row_mm, spacing.column_mm, spacing.source) == (0.1, 0.2, "imager")

    @pytest.mark.parametrize("row_mm", [0, -1, float("nan"), float("inf")])
    def test_is_above_zero(self, row_mm):
        with pytest.raises(MammoError, match="spacing"):
            Spacing(row_mm, 0.1, "imager")
        with pytest.raises(MammoError, match="spacing"):
            Spacing(0.1, row_mm, "imager")


class TestStudy:
    def test_holds_mammograms_in_their_order(self):
        mammograms = tuple(Mammogram(pixels=image(), person_id="p1", source=name) for name in ("b.dcm", "a.dcm"))
        study = Study(person_id="p1", mammograms=mammograms)
        assert len(study) == 2
        assert [mammogram.source for mammogram in study] == ["b.dcm", "a.dcm"]

    def test_a_mammogram_without_a_name_belongs_to_any_person(self):
        assert len(Study(person_id="p1", mammograms=(Mammogram(pixels=image()),))) == 1

    def test_refuses_a_second_person_without_naming_one(self):
        with pytest.raises(MammoError) as caught:
            Study(person_id="p1", mammograms=(Mammogram(pixels=image(), person_id="p2"),))
        assert "more than one person" in str(caught.value)
        assert "p1" not in str(caught.value) and "p2" not in str(caught.value)


TABLE_8 = np.linspace(0, 1, 256, dtype=np.float32)


@pytest.mark.parametrize("kind", ["uint8", "int8"])
def test_cells_are_looked_up_by_their_bits(kind):
    pixels = np.arange(-100, 4, dtype=np.int16).reshape(8, 13).astype(kind)
    shown = StoredImage(pixels=pixels, brightness_table=TABLE_8).brightness()
    assert np.array_equal(shown, TABLE_8[np.arange(-100, 4) % 256].reshape(8, 13)) and not shown.flags.writeable


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"pixels": np.zeros((8, 8), np.uint16)}, "for each"),
        ({"pixels": np.zeros((8, 8), np.float32)}, "bits"),
        ({"pixels": np.zeros((8, 8), ">u2")}, "bits"),
        ({"pixels": np.zeros(64, np.uint8)}, "two dimensions"),
        ({"brightness_table": TABLE_8[:255]}, "for each"),
        ({"brightness_table": TABLE_8.astype(np.float64)}, "float32"),
        ({"brightness_table": 2 * TABLE_8}, "lie in"),
        ({"brightness_table": np.full(256, np.nan, np.float32)}, "finite"),
    ],
)
def test_what_is_no_stored_image(changes, word):
    good = {"pixels": np.zeros((8, 8), np.uint8), "brightness_table": TABLE_8}
    StoredImage(**good)
    with pytest.raises(MammoError, match=word):
        StoredImage(**{**good, **changes})
