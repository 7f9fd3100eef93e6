"""A packed folder comes back as what it was, within the error that it was packed with."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from monai_mammo.errors import MammoError, RequestError
from monai_mammo.files.png import save_png
from monai_mammo.prepare import load_datalist, pack_prepared, unpack_prepared

SHAPE = (40, 30)


@pytest.fixture
def prepared(tmp_path):
    """Folder of four images with two masks, one image in 16-bit PNG."""
    folder = tmp_path / "prepared"
    for part in ("images", "masks", "breasts"):
        (folder / part).mkdir(parents=True)
    rng = np.random.default_rng(3)
    items = []
    for index in range(4):
        pixels = rng.integers(1, 65536, SHAPE).astype(np.uint16)
        pixels[:, 20:] = 0
        pixels[0, :5] = (1, 100, 128, 129, 700)
        np.save(folder / f"images/i{index}.npy", pixels)
        item = {"image": f"images/i{index}.npy", "image_id": f"i{index}", "person_id": f"p{index}", "breast": "b.png"}
        item |= {"conditions": {"kind": "film", "density": "C"}, "mask_kind": "contour" if index % 2 else "none"}
        if index % 2:
            save_png(np.eye(*SHAPE, dtype=np.float32), folder / f"masks/i{index}.png")
            item["label"] = f"masks/i{index}.png"
        items.append(item)
    datalist = {"training": items[:3], "validation": items[3:], "test": [], "external": items[:1]}
    (folder / "datalist.json").write_text(json.dumps(datalist))
    return folder


@pytest.mark.parametrize("near", [0, 1, 3])
def test_pixels_come_back_within_the_stated_error_and_air_as_air(prepared, tmp_path, near):
    made = pack_prepared(prepared, tmp_path / "pack.zip", near=near)
    assert made["n_images"] == 4 and made["bytes"] == (tmp_path / "pack.zip").stat().st_size
    folder = unpack_prepared(tmp_path / "pack.zip", tmp_path / "unpacked")
    errors = []
    for split in ("training", "validation"):
        for before, after in zip(
            load_datalist(prepared / "datalist.json", split=split),
            load_datalist(folder / "datalist.json", split=split),
            strict=True,
        ):
            was, now = (np.load(item["image"]).astype(np.int64) for item in (before, after))
            assert np.array_equal(was == 0, now == 0)
            usual = was > 257 * (2 * near + 1)
            assert np.abs(was - now)[usual].max() <= 257 * near + 129
            assert np.abs(was - now).max() <= 257 * (3 * near + 1)
            errors.append((was - now)[was > 0] / 65535)
            assert {k: v for k, v in after.items() if k not in ("image", "label")} == {
                k: v for k, v in before.items() if k not in ("image", "label", "breast")
            }
            if "label" in before:
                assert Path(after["label"]).read_bytes() == Path(before["label"]).read_bytes()
    measured = -10 * np.log10(np.mean(np.concatenate(errors, axis=None) ** 2))
    assert made["psnr_db"] == pytest.approx(measured, abs=0.01)
    assert load_datalist(folder / "datalist.json", split="external") == []


def test_what_is_unpacked_once_is_left_alone(prepared, tmp_path):
    pack_prepared(prepared, tmp_path / "pack.zip")
    folder = unpack_prepared(tmp_path / "pack.zip", tmp_path / "unpacked")
    np.save(folder / "images/i0.npy", np.zeros(SHAPE, np.uint16))
    unpack_prepared(tmp_path / "pack.zip", folder)
    assert not np.load(folder / "images/i0.npy").any()
    (folder / "datalist.json").unlink()  # as a killed process leaves it
    unpack_prepared(tmp_path / "pack.zip", folder)
    assert np.load(folder / "images/i0.npy").any()


def test_what_cannot_be_packed_or_unpacked_is_one_sentence(prepared, tmp_path):
    with pytest.raises(RequestError, match="near 9 is not a whole number from 0 to 8"):
        pack_prepared(prepared, tmp_path / "pack.zip", near=9)
    with pytest.raises(RequestError, match="split 'train' is not one of training, validation, test, external"):
        pack_prepared(prepared, tmp_path / "pack.zip", splits=("train",))
    assert not (tmp_path / "pack.zip").exists()
    pack_prepared(prepared, tmp_path / "pack.zip")
    whole = (tmp_path / "pack.zip").read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(MammoError, match=r"cut\.zip cannot be unpacked"):
        unpack_prepared(tmp_path / "cut.zip", tmp_path / "cut")
    with pytest.raises(MammoError, match=r"none\.zip cannot be unpacked"):
        unpack_prepared(tmp_path / "none.zip", tmp_path / "none")
    assert not (tmp_path / "cut" / "datalist.json").exists()


def test_a_packed_file_cannot_write_outside_the_folder(prepared, tmp_path):
    pack_prepared(prepared, tmp_path / "pack.zip")
    with zipfile.ZipFile(tmp_path / "pack.zip") as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    contents["datalist.json"] = contents["datalist.json"].replace(b"images/i0.jls", b"../evil/0.jls")
    contents["../evil/0.jls"] = contents["images/i0.jls"]
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        for name, data in contents.items():
            archive.writestr(name, data)
    with pytest.raises(RequestError, match="leaves the folder"):
        unpack_prepared(tmp_path / "evil.zip", tmp_path / "unpacked")
    assert not (tmp_path / "evil").exists()
