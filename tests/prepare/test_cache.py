"""Images at full size: the pixels of the file, patches of them, masks and boxes of the same place."""

from __future__ import annotations

import io
import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from monai_mammo.conditions import Box, Conditions
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.phantom import draw_mammogram
from monai_mammo.prepare import CachedImage, Trace, box_of_mask, open_cached, prepare

GRID = (64, 48)
ASKED = {"L": 1, "R": 2}


def drawn(laterality: str):
    asked = Conditions(view="MLO", laterality=laterality, kind="digital", finding="mass", birads=3, density="B")
    return draw_mammogram(asked, seed=ASKED[laterality], shape=(320, 240)).replace(source="")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A left and a right breast with an outlined mass, and one with nothing outlined."""
    out = tmp_path_factory.mktemp("cache") / "out"
    plain = draw_mammogram(Conditions(kind="digital", finding="none"), seed=3, shape=(320, 240))
    prepare([drawn("L"), drawn("R"), plain.replace(lesion_mask=None, source="")], out=out, shape=GRID, full_size=True)
    return out


def items(folder: Path) -> dict[str, dict]:
    content = json.loads((folder / "datalist.json").read_text())
    return {item["image_id"]: item for split in ("training", "validation", "test") for item in content[split]}


@pytest.fixture(params=["L", "R"])
def case(request, folder):
    """A cached image and what it was made from."""
    item = items(folder)[f"0000{'LR'.index(request.param)}"]
    return open_cached(folder, item), drawn(request.param)


def test_pixels_are_those_of_the_file_turned_cut_and_cleaned(case):
    cached, source = case
    pixels = cached.pixels()
    assert isinstance(pixels, np.memmap) and pixels.dtype == np.uint16 and not pixels.flags.writeable
    assert pixels.shape == cached.shape and cached.shape[0] > 200
    truth = cached.trace.forward(source.pixels)
    is_breast = pixels > 0
    assert is_breast.mean() > 0.3 and is_breast[:, 0].mean() > is_breast[:, -1].mean()
    step = 0.5 + 65535 * 2**-24  # half a level, and the rounding of a product in float32
    assert np.abs(pixels[is_breast] / 65535 - truth[is_breast]).max() <= step / 65535
    back = cached.trace.inverse(pixels / np.float32(65535))
    assert np.array_equal(back > 0, cached.trace.inverse(is_breast))
    row0, row1, column0, column1 = cached.trace.crop
    assert cached.shape == (row1 - row0, column1 - column0) and cached.trace.padding == (0, 0, 0, 0)


def test_a_patch_is_the_same_place_of_pixels_mask_and_boxes(case):
    cached, source = case
    mask = cached.trace.forward(source.lesion_mask)
    assert mask.any() and cached.mask_path is not None
    for corner, shape in (((3, 5), (40, 31)), ((11, 0), (64, 64)), ((100, 17), (33, 8)), ((0, 0), cached.shape)):
        patch = cached.patch(corner, shape)
        place = np.s_[corner[0] : corner[0] + shape[0], corner[1] : corner[1] + shape[1]]
        assert patch.image.dtype == np.float32 and patch.image.shape == patch.mask.shape == (1, *shape)
        assert np.array_equal(patch.image[0], (cached.pixels()[place] / 65535).astype(np.float32))
        assert np.array_equal(patch.mask[0], mask[place])
    whole = cached.patch((0, 0), cached.shape)
    assert np.abs(np.subtract(tuple(whole.boxes[0]), tuple(box_of_mask(whole.mask[0])))).max() < 1.5 / cached.shape[1]


def test_a_mask_is_cut_at_any_column_and_not_at_whole_bytes_alone(case):
    cached, source = case
    mask = cached.trace.forward(source.lesion_mask)
    rows, columns = np.nonzero(mask)
    row, column = int(rows.min()), (int(columns.min()) + int(columns.max())) // 2
    for offset in range(9):
        patch = cached.patch((row, column - offset), (24, 13))
        place = np.s_[row : row + 24, column - offset : column - offset + 13]
        assert mask[place].any() and np.array_equal(patch.mask[0], mask[place])


def test_a_box_is_cut_at_the_patch_and_left_out_beyond(case):
    cached, _ = case
    box = cached.boxes[0]
    rows, columns = cached.shape
    y0, x0 = round(box.y0 * rows), round(box.x0 * columns)
    height, width = box.height_fraction * rows, box.width_fraction * columns
    patch = cached.patch((y0 - 10, x0 - 20), (10 + round(height / 2), 40 + round(width)))
    found = patch.boxes[0]
    assert found.y1 == 1.0 and abs(found.y0 * (10 + round(height / 2)) - 10) < 1
    assert abs(found.x0 * (40 + round(width)) - 20) < 1 and abs(found.width_fraction * (40 + round(width)) - width) < 1
    assert cached.patch((y0 - 40, x0), (40, 30)).boxes == () or box.y0 * rows < y0


@pytest.mark.parametrize("shape", [(400, 300), (400, 50), (50, 300)])
def test_what_is_smaller_than_the_patch_is_padded_with_air(case, shape):
    cached, _ = case
    rows, columns = cached.shape
    patch = cached.random_patch(np.random.default_rng(0), shape)
    assert patch.image.shape == patch.mask.shape == (1, *shape)
    row, column = patch.corner
    if shape[0] > rows:
        assert row == -((shape[0] - rows) // 2)
        assert not patch.image[:, :-row].any() and not patch.image[:, rows - row :].any()
    if shape[1] > columns:
        assert column == 0 and not patch.image[..., columns:].any() and not patch.mask[..., columns:].any()
    inside = np.s_[max(row, 0) : max(row, 0) + min(rows, shape[0]), column : column + min(columns, shape[1])]
    assert patch.image.sum() == pytest.approx((cached.pixels()[inside] / 65535).sum(), rel=1e-4)
    beyond = cached.patch((rows + 5, -900), (16, 16))
    assert not beyond.image.any() and not beyond.mask.any() and beyond.boxes == ()


def test_random_places_follow_the_generator_and_reach_every_edge(case):
    cached, _ = case
    shape = (cached.shape[0] - 2, cached.shape[1] - 1)
    rng = np.random.default_rng(5)
    corners = [cached.random_patch(rng, shape).corner for _ in range(60)]
    assert set(corners) == {(row, column) for row in range(3) for column in range(2)}
    again = np.random.default_rng(5)
    assert corners[:9] == [cached.random_patch(again, shape).corner for _ in range(9)]


def test_without_an_outline_there_is_no_mask(folder):
    cached = open_cached(folder, items(folder)["00002"])
    patch = cached.random_patch(np.random.default_rng(0), (32, 32))
    assert patch.mask is None and patch.boxes == () and not list((folder / "full").glob("00002.mask*"))


def test_a_cached_image_goes_to_another_process_as_names_alone(case):
    cached, _ = case
    data = pickle.dumps(cached)
    again = pickle.loads(data)
    assert isinstance(again, CachedImage) and len(data) < 10_000
    assert np.array_equal(again.patch((0, 0), (9, 9)).image, cached.patch((0, 0), (9, 9)).image)


def test_boxes_come_from_the_prepared_grid_by_its_trace(folder):
    item = items(folder)["00001"]
    moved = Trace.from_dict(item["trace"]).inverse_box(Box.parse(item["boxes"][0]))
    assert np.allclose(tuple(moved), tuple(drawn("R").conditions.box), atol=1e-9)


def test_missing_torn_and_foreign_files_are_named(folder, tmp_path):
    prepare([drawn("L")], out=tmp_path / "plain", shape=GRID)
    with pytest.raises(RequestError, match="prepared without its full size"):
        open_cached(tmp_path / "plain", items(tmp_path / "plain")["00000"])
    prepare([drawn("L")], out=tmp_path / "full", shape=GRID, full_size=True)
    cached = open_cached(tmp_path / "full", items(tmp_path / "full")["00000"])
    whole = cached.path.read_bytes()
    cached.path.write_bytes(whole[:-100])
    with pytest.raises(MammoError, match=r"00000\.npy .* missing or damaged"):
        cached.pixels()
    cached.path.write_bytes(cached.mask_path.read_bytes())
    with pytest.raises(MammoError, match="not the file that its datalist describes"):
        cached.pixels()
    array = np.load(io.BytesIO(whole))
    with open(cached.path, "wb") as file:
        np.lib.format.write_array(file, array, version=(2, 0))  # as another version of numpy may
    assert np.array_equal(cached.pixels(), array)
    cached.path.unlink()
    with pytest.raises(MammoError, match="missing or damaged"):
        cached.patch((0, 0), (8, 8))


def test_full_size_can_be_added_to_a_folder_and_is_kept_after(tmp_path):
    out = tmp_path / "out"
    prepare([drawn("L")], out=out, shape=GRID)
    images = (out / "images" / "00000.npy").read_bytes()
    assert prepare([drawn("L")], out=out, shape=GRID, full_size=True).n_kept == 0
    assert (out / "images" / "00000.npy").read_bytes() == images and (out / "full" / "00000.npy").is_file()
    assert prepare([drawn("L")], out=out, shape=GRID, full_size=True).n_kept == 1
    (out / "full" / "00000.mask.npy").unlink()
    assert prepare([drawn("L")], out=out, shape=GRID, full_size=True).n_kept == 0
    with pytest.raises(RequestError, match="holds full-size images too"):
        prepare([drawn("L")], out=out, shape=GRID)
