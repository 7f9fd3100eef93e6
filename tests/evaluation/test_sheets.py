"""Sheets of acquired and synthetic images."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from monai_mammo.errors import RequestError
from monai_mammo.evaluation.sheets import chosen_items, comparison_sheet, planned_like, sheet_png
from monai_mammo.prepare.datalist_items import load_items
from monai_mammo.training.data import PreparedDataset


def test_a_sheet_shows_acquired_above_synthetic(datalist, tmp_path):
    pairs = comparison_sheet(
        datalist, out=tmp_path / "sheet.png", n_columns=2, n_rows=4, seed=1, steps=1, device="cpu", is_outlined=True
    )
    assert len(pairs) == 4
    data = PreparedDataset(load_items(datalist))
    names = [item["image_id"] for item in data.data]
    sheet = np.asarray(Image.open(tmp_path / "sheet.png")).astype(float)
    for index, pair in enumerate(pairs):
        top, left = 20 + index // 2 * (2 * 64 + 24 + 8), index % 2 * (48 + 4)
        shown = sheet[top : top + 64, left : left + 48].mean(axis=2)
        acquired = 255 * data.image(names.index(pair["image_id"]))
        assert np.median(np.abs(shown - acquired)) <= 0.5, "but for the outline"
        synthetic = sheet[top + 68 : top + 68 + 64, left : left + 48].mean(axis=2)
        assert np.abs(synthetic - acquired).mean() > 1


def test_kinds_take_turns(datalist):
    kinds = [item["conditions"]["kind"] for item in chosen_items(load_items(datalist), 3, seed=0)]
    assert sorted(kinds) == ["contrast", "digital", "film"]
    first, again = ([i["image_id"] for i in chosen_items(load_items(datalist), 4, seed=s)] for s in (5, 5))
    assert first == again
    with pytest.raises(RequestError, match="the split has 6"):
        chosen_items(load_items(datalist), 7, seed=0)


def test_a_request_asks_for_all_that_is_known(datalist):
    data = PreparedDataset(load_items(datalist))
    outlined, boxed, free = (planned_like(data, i, (64, 48), seed=0) for i in (0, 2, 3))
    assert (outlined.lesion.mask == data.mask(0)).all()
    assert outlined.prepared_conditions == data.conditions[0]
    rows, columns = np.nonzero(boxed.lesion.mask)
    assert rows.min() >= 27 and rows.max() <= 38 and columns.min() >= 9 and columns.max() <= 20
    assert boxed.prepared_conditions.box == data.conditions[2].box
    assert not free.lesion.mask.any() and free.prepared_conditions.box is None
    with pytest.raises(RequestError, match="do not fit"):
        planned_like(data, 0, (128, 96), seed=0)


def test_an_outline_lies_round_its_lesion():
    image, mask = np.zeros((64, 48), dtype=np.float32), np.zeros((64, 48), dtype=bool)
    mask[20:30, 10:20] = True
    from io import BytesIO

    png = sheet_png([(image, mask)], [(image, None)], ["a\nb"], n_columns=1, title="t")
    sheet = np.asarray(Image.open(BytesIO(png)))
    marked = sheet[20:84, :48, 0] == 255
    assert marked.sum() == 40 and not (marked & mask).any()


@pytest.mark.parametrize(("rows", "columns"), [(3, 2), (0, 2), (2, 0)])
def test_a_sheet_has_pairs(datalist, tmp_path, rows, columns):
    with pytest.raises(RequestError, match="must be even"):
        comparison_sheet(datalist, out=tmp_path / "s.png", n_rows=rows, n_columns=columns, device="cpu")
    assert not (tmp_path / "s.png").exists()
